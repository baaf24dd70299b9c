// The frame of every page: menu, top line with the Live badge, and the log drawer beside the page, not over it.
import { AppShell, Burger, Group, NavLink, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Bolt, Clock, type Icon, Lines, Purse } from "@shared/components/icons";
import { LiveBadge } from "@shared/components/LiveBadge";
import { Mark } from "@shared/components/Mark";
import { usePerson } from "@shared/components/person";
import { UserMenu } from "@shared/components/UserMenu";
import { zoneLabel } from "@shared/format/time";
import { Link, Outlet, useRouterState, useSearch } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import classes from "./Frame.module.css";
import { LogDrawer } from "./log/LogDrawer";
import { useDrawerWidth } from "./log/useDrawerWidth";

const MENU: { to: string; words: string; Sign: Icon }[] = [
  { to: "/", words: "menu.points", Sign: Bolt },
  { to: "/sessions", words: "menu.sessions", Sign: Clock },
  { to: "/drivers", words: "menu.drivers", Sign: Purse },
  { to: "/log", words: "menu.log", Sign: Lines },
];

export function Frame() {
  const { t } = useTranslation();
  const [isMenuOpen, menu] = useDisclosure(false);
  const { log } = useSearch({ from: "__root__" });
  const path = useRouterState({ select: (state) => state.location.pathname });
  const drawer = useDrawerWidth();
  const isDrawerOpen = Boolean(log) && path !== "/log";
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 208, breakpoint: "sm", collapsed: { mobile: !isMenuOpen } }}
      padding={0}
      className={classes.shell}
    >
      <a className="sm-skip" href="#page">
        {t("menu.skip")}
      </a>
      <AppShell.Header className={classes.bar}>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger
              opened={isMenuOpen}
              onClick={menu.toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label={t("menu.open")}
            />
            <Mark size={26} />
          </Group>
          <Group gap="sm" wrap="nowrap">
            <Text size="xs" c="dimmed" visibleFrom="sm" title={t("time.zoneHint")}>
              {zoneLabel()}
            </Text>
            <LiveBadge />
            <UserMenu person={usePerson()} />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="sm" className={classes.bar} component="nav" aria-label={t("menu.name")}>
        {MENU.map(({ to, words, Sign }) => (
          <NavLink
            key={to}
            component={Link}
            to={to}
            label={t(words)}
            leftSection={<Sign size={18} />}
            active={to === "/" ? path === "/" : path.startsWith(to)}
            onClick={menu.close}
            className={classes.item}
          />
        ))}
      </AppShell.Navbar>
      <AppShell.Main id="page">
        <div className={classes.page} style={{ paddingInlineEnd: isDrawerOpen ? drawer.pushes : 0 }}>
          <Outlet />
        </div>
      </AppShell.Main>
      {isDrawerOpen && log && <LogDrawer stationId={log} drawer={drawer} />}
    </AppShell>
  );
}

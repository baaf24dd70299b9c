// The frame: a line on top, three tabs at thumb height.
import { Group } from "@mantine/core";
import { Bolt, type Icon, Pin, Purse } from "@shared/components/icons";
import { LiveBadge } from "@shared/components/LiveBadge";
import { Mark } from "@shared/components/Mark";
import { usePerson } from "@shared/components/person";
import { UserMenu } from "@shared/components/UserMenu";
import { Link, Outlet, useRouterState } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import classes from "./Frame.module.css";

const TABS: { to: "/" | "/charging" | "/wallet"; words: string; Sign: Icon; also: string }[] = [
  { to: "/", words: "driver.tabs.find", Sign: Pin, also: "/c/" },
  { to: "/charging", words: "driver.tabs.charging", Sign: Bolt, also: "/sessions" },
  { to: "/wallet", words: "driver.tabs.wallet", Sign: Purse, also: "/wallet" },
];

export function Frame() {
  const { t } = useTranslation();
  const path = useRouterState({ select: (state) => state.location.pathname.replace(/^\/driver/, "") || "/" });
  return (
    <div className={classes.frame}>
      <header className={classes.top}>
        <Mark size={26} />
        <Group gap="xs" wrap="nowrap">
          <LiveBadge />
          <UserMenu person={usePerson()} />
        </Group>
      </header>
      <main className={classes.page}>
        <Outlet />
      </main>
      <nav className={classes.tabs} aria-label={t("driver.tabs.name")}>
        {TABS.map(({ to, words, Sign, also }) => {
          const isHere = path === to || path.startsWith(also);
          return (
            <Link
              key={to}
              to={to}
              className={classes.tab}
              data-here={isHere}
              aria-current={isHere ? "page" : undefined}
            >
              <Sign size={22} />
              {t(words)}
            </Link>
          );
        })}
      </nav>
    </div>
  );
}

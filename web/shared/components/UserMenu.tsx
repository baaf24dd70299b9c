// Who am I here, how bright is the page, and the way out.
import { ActionIcon, Menu, Text, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useSignOut } from "../api/session";
import type { Person as Who } from "../api/types";
import { Leave, Moon, Person, Sun } from "./icons";

export function UserMenu({ person }: { person: Who }) {
  const { t } = useTranslation();
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme("light");
  const signOut = useSignOut();
  const other = scheme === "dark" ? "light" : "dark";
  return (
    <Menu position="bottom-end" width={240}>
      <Menu.Target>
        <ActionIcon
          variant="default"
          size="lg"
          radius="xl"
          aria-label={t("user.menu", { name: person.name })}
        >
          <Person size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          <Text size="sm" fw={600} c="var(--mantine-color-text)">
            {person.name || person.email}
          </Text>
          <Text size="xs" c="dimmed">
            {person.email} · {t(`role.${person.role}`, person.role)}
          </Text>
        </Menu.Label>
        <Menu.Item leftSection={other === "dark" ? <Moon /> : <Sun />} onClick={() => setColorScheme(other)}>
          {t(`user.${other}`)}
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item leftSection={<Leave />} onClick={() => signOut.mutate()} data-testid="sign-out">
          {t("user.signOut")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

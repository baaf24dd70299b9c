// The state of a charging session in colour, sign and word.
import { Badge } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Alert, Bolt, Check, Clock, Cross, type Icon, Stop } from "./icons";

const LOOK: Record<string, { color: string; Sign: Icon }> = {
  PENDING: { color: "yellow", Sign: Clock },
  STARTING: { color: "yellow", Sign: Clock },
  ONGOING: { color: "blue", Sign: Bolt },
  STOPPING: { color: "yellow", Sign: Stop },
  GHOST: { color: "red", Sign: Alert },
  ORPHANED: { color: "red", Sign: Alert },
  COMPLETED: { color: "teal", Sign: Check },
  TERMINATED: { color: "gray", Sign: Stop },
  FAILED: { color: "red", Sign: Cross },
};

export function SessionState({ state }: { state: string }) {
  const { t } = useTranslation();
  const { color, Sign } = LOOK[state] ?? { color: "gray", Sign: Clock };
  return (
    <Badge
      variant="light"
      color={color}
      radius="sm"
      tt="none"
      fw={600}
      leftSection={<Sign size={13} />}
      data-state={state}
    >
      {t(`state.${state}`, state)}
    </Badge>
  );
}

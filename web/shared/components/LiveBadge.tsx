// Is what I see live, polled or old, and how old?
import { Badge, Tooltip } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { span } from "../format/time";
import { useLive } from "../live/useLive";
import classes from "./LiveBadge.module.css";
import { useNow } from "./useNow";

const COLOR = { live: "teal", polling: "yellow", offline: "red" } as const;
const SAID_FROM_MS = 3000; // Younger is simply now.

export function LiveBadge() {
  const { t } = useTranslation();
  const { mode, heardAt } = useLive();
  const now = useNow();
  const old = Math.max(0, now - heardAt);
  const isOld = mode !== "live" || old > 60_000;
  return (
    <Tooltip label={t(`live.${mode}Hint`)} multiline maw={260}>
      <Badge
        variant="light"
        size="lg"
        color={COLOR[mode]}
        radius="xl"
        tt="none"
        fw={600}
        tabIndex={0}
        leftSection={<span className={classes.dot} data-mode={mode} />}
        data-testid="live-badge"
        data-mode={mode}
      >
        {t(`live.${mode}`)}
        {isOld && old >= SAID_FROM_MS && ` · ${span(old)}`}
      </Badge>
    </Tooltip>
  );
}

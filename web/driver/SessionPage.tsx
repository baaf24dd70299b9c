// One of my charges: live, or its receipt.
import { Anchor, Skeleton, Stack } from "@mantine/core";
import { ProblemAlert } from "@shared/components/ProblemAlert";
import { isTerminal } from "@shared/live/patch";
import { Link, useParams } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { Finished } from "./Finished";
import { LiveSession } from "./LiveSession";
import { useSession } from "./queries";

export function SessionPage() {
  const { t } = useTranslation();
  const { sessionId } = useParams({ from: "/sessions/$sessionId" });
  const session = useSession(sessionId);
  return (
    <Stack>
      <Anchor component={Link} to="/charging" size="sm">
        ← {t("driver.tabs.charging")}
      </Anchor>
      {session.error && <ProblemAlert error={session.error} retry={() => session.refetch()} />}
      {session.isPending && <Skeleton h={320} radius="md" />}
      {session.data &&
        (isTerminal(session.data.state) ? (
          <Finished session={session.data} />
        ) : (
          <LiveSession session={session.data} />
        ))}
    </Stack>
  );
}

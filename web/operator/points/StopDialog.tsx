// Stop a charge, knowing whose it is and what it comes to.
import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { api, ask } from "@shared/api/client";
import type { LiveSession } from "@shared/api/types";
import { Facts } from "@shared/components/Facts";
import { ProblemAlert } from "@shared/components/ProblemAlert";
import { money } from "@shared/format/money";
import { kilowattHours } from "@shared/format/quantity";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { SESSION } from "../live";
import type { Chosen } from "./PointsPage";
import { POINTS, type Point } from "./usePoints";

type Props = { chosen: Chosen | null; points: Point[]; close: () => void };

export function StopDialog({ chosen, points, close }: Props) {
  const { t } = useTranslation();
  const point = points.find((one) => one.stationId === chosen?.stationId);
  const session = point?.connectors.find((one) => one.connectorId === chosen?.connectorId)?.session;
  const isBefore = session?.state === "PENDING" || session?.state === "STARTING";
  return (
    <Modal
      opened={chosen !== null}
      onClose={close}
      title={t(isBefore ? "stop.cancelTitle" : "stop.title", {
        id: chosen?.stationId,
        connector: chosen?.connectorId,
      })}
      closeButtonProps={{ "aria-label": t("close") }}
    >
      {session ? <Consequence session={session} isBefore={isBefore} close={close} /> : <Over close={close} />}
    </Modal>
  );
}

function Consequence({
  session,
  isBefore,
  close,
}: {
  session: LiveSession;
  isBefore: boolean;
  close: () => void;
}) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const { sessionId, currency } = session;
  const whole = useQuery({
    queryKey: [...SESSION, sessionId],
    queryFn: () =>
      ask(api.GET("/api/cms/sessions/{session_id}", { params: { path: { session_id: sessionId } } })),
  });
  const stop = useMutation({
    mutationFn: () => ask(api.POST("/api/cms/charging/stop", { body: { sessionId } })),
    onSuccess: () => {
      queries.invalidateQueries({ queryKey: POINTS });
      close();
    },
  });
  const held = whole.data?.holdMinor ?? 0;
  return (
    <Stack>
      <Facts
        facts={[
          [t("stop.who"), session.driverName || t(`payer.${session.payerKind}`, session.payerKind)],
          [t("stop.energy"), kilowattHours(session.energyWh)],
          [t("stop.soFar"), money(session.costMinor, currency)],
          ...(held > 0 ? ([[t("stop.held"), money(held, currency)]] as [string, string][]) : []),
        ]}
      />
      <Text size="sm">{t(isBefore ? "stop.cancelText" : held > 0 ? "stop.textHeld" : "stop.text")}</Text>
      {stop.error && <ProblemAlert error={stop.error} />}
      <Group justify="flex-end">
        <Button variant="default" onClick={close}>
          {t("stop.keep")}
        </Button>
        <Button
          color="red"
          loading={stop.isPending}
          onClick={() => stop.mutate()}
          data-testid="stop-confirm"
          data-autofocus
        >
          {t(isBefore ? "stop.cancelConfirm" : "stop.confirm")}
        </Button>
      </Group>
    </Stack>
  );
}

/** The charge ended while somebody was thinking about it. */
function Over({ close }: { close: () => void }) {
  const { t } = useTranslation();
  return (
    <Stack>
      <Text>{t("stop.over")}</Text>
      <Group justify="flex-end">
        <Button onClick={close}>{t("close")}</Button>
      </Group>
    </Stack>
  );
}

// Start a charge: where, on whose account, and how much of it.
import { Button, Group, Modal, SegmentedControl, Select, Stack, Text, TextInput } from "@mantine/core";
import { api, ask, keysOfWishes } from "@shared/api/client";
import { AmountInput } from "@shared/components/AmountInput";
import { ProblemAlert } from "@shared/components/ProblemAlert";
import { usePerson } from "@shared/components/person";
import { parseMinor } from "@shared/format/money";
import { parseWattHours } from "@shared/format/quantity";
import { offersStart } from "@shared/words";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { DriverSelect } from "../drivers/DriverSelect";
import type { Chosen } from "./PointsPage";
import { POINTS, type Point } from "./usePoints";

type Props = { chosen: Chosen | null; points: Point[]; close: () => void };
type PayerKind = "free" | "wallet" | "organisation";

export function StartDialog({ chosen, points, close }: Props) {
  const { t } = useTranslation();
  const point = points.find((one) => one.stationId === chosen?.stationId);
  return (
    <Modal
      opened={chosen !== null}
      onClose={close}
      title={t("start.title", { id: chosen?.stationId ?? "" })}
      closeButtonProps={{ "aria-label": t("close") }}
    >
      {chosen && point && <StartForm key={chosen.stationId} chosen={chosen} point={point} close={close} />}
    </Modal>
  );
}

function StartForm({ chosen, point, close }: { chosen: Chosen; point: Point; close: () => void }) {
  const { t } = useTranslation();
  const person = usePerson();
  const queries = useQueryClient();
  const [connectorId, setConnectorId] = useState(String(chosen.connectorId));
  const [kind, setKind] = useState<PayerKind>("free");
  const [reason, setReason] = useState("");
  const [driverId, setDriverId] = useState<string | null>(null);
  // A driver's money is the platform's to look after.
  const isPlatform = !person.organisationId;
  const [amount, setAmount] = useState("");
  const [energy, setEnergy] = useState("");
  const [keyOf] = useState(keysOfWishes);
  const amountMinor = parseMinor(amount);
  const limitEnergyWh = parseWattHours(energy);
  const free = point.connectors.filter((one) => offersStart(point, one));
  const connector = point.connectors.find((one) => String(one.connectorId) === connectorId);

  const start = useMutation({
    mutationFn: () => {
      const body = {
        stationId: point.stationId,
        connectorId: Number(connectorId),
        payer: {
          kind,
          reason: kind === "free" ? reason.trim() : "",
          ...(kind === "wallet" && { driverId }),
        },
        ...(amountMinor !== null && { amountMinor }),
        ...(limitEnergyWh !== null && { limitEnergyWh }),
      };
      return ask(api.POST("/api/cms/charging/start", { headers: { "Idempotency-Key": keyOf(body) }, body }));
    },
    onSuccess: () => {
      queries.invalidateQueries({ queryKey: POINTS });
      close();
    },
  });

  const isAmountBad = amount !== "" && amountMinor === null;
  const isEnergyBad = energy !== "" && limitEnergyWh === null;
  const hasPayer =
    (kind === "free" && reason.trim() !== "") ||
    (kind === "wallet" && driverId !== null && amountMinor !== null) ||
    kind === "organisation";
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (hasPayer && !isAmountBad && !isEnergyBad) start.mutate();
  };

  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <Select
          label={t("start.connector")}
          data={free.map((one) => ({
            value: String(one.connectorId),
            label: t("start.connectorIs", {
              id: one.connectorId,
              status: t(`status.${one.status}`, one.status),
            }),
          }))}
          value={connectorId}
          onChange={(value) => value && setConnectorId(value)}
          allowDeselect={false}
        />
        {connector?.status === "Available" && (
          <Text size="sm" c="dimmed" mt={-8}>
            {t("start.plugIn")}
          </Text>
        )}
        <div>
          <Text size="sm" fw={600} mb={4} id="payer">
            {t("start.payer")}
          </Text>
          <SegmentedControl
            fullWidth
            aria-labelledby="payer"
            value={kind}
            onChange={(value) => setKind(value as PayerKind)}
            data={(["free", "wallet", "organisation"] as const).map((one) => ({
              value: one,
              label: t(`payer.${one}`),
              disabled: one === "wallet" && !isPlatform,
            }))}
            data-testid="start-payer"
          />
        </div>
        {!isPlatform && (
          <Text size="xs" c="dimmed" mt={-8}>
            {t("start.walletPlatform")}
          </Text>
        )}
        {kind === "free" && (
          <TextInput
            label={t("start.reason")}
            description={t("start.reasonHint")}
            required
            maxLength={200}
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            data-testid="start-reason"
          />
        )}
        {kind === "wallet" && <DriverSelect value={driverId} onChange={setDriverId} />}
        {kind === "organisation" && (
          <Text size="sm" c="dimmed">
            {t("start.organisationPays")}
          </Text>
        )}
        <Group grow align="flex-start">
          <AmountInput
            label={kind === "wallet" ? t("start.hold") : t("start.amountLimit")}
            required={kind === "wallet"}
            value={amount}
            onChange={setAmount}
            error={isAmountBad && t("badAmount")}
            testId="start-amount"
          />
          <TextInput
            label={t("start.energyLimit")}
            inputMode="decimal"
            rightSection={
              <Text size="sm" c="dimmed">
                kWh
              </Text>
            }
            rightSectionWidth={48}
            placeholder={t("start.untilFull")}
            value={energy}
            onChange={(event) => setEnergy(event.currentTarget.value)}
            error={isEnergyBad && t("badNumber")}
            data-testid="start-energy"
          />
        </Group>
        {kind === "wallet" && (
          <Text size="sm" c="dimmed" mt={-8}>
            {t("start.holdHint")}
          </Text>
        )}
        {start.error && <ProblemAlert error={start.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            {t("cancel")}
          </Button>
          <Button type="submit" loading={start.isPending} disabled={!hasPayer} data-testid="start-submit">
            {t("start.submit")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

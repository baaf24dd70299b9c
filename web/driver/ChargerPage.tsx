// One charger: choose a connector, set a limit, start.
import { Anchor, Button, Chip, Group, Skeleton, Stack, Text, Title, UnstyledButton } from "@mantine/core";
import { api, ask, idempotencyKey } from "@shared/api/client";
import type { UserStation } from "@shared/api/types";
import { AmountInput } from "@shared/components/AmountInput";
import { Empty } from "@shared/components/Empty";
import { ProblemAlert } from "@shared/components/ProblemAlert";
import { StatusPill } from "@shared/components/StatusPill";
import { currencySymbol, money, parseMinor } from "@shared/format/money";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import classes from "./Find.module.css";
import { isFree } from "./FindPage";
import { SESSIONS, WALLET } from "./live";
import { useStations, useWallet } from "./queries";

const AMOUNTS = ["100", "200", "500"];

export function ChargerPage() {
  const { t } = useTranslation();
  const { stationId, connectorId } = useParams({ strict: false });
  const stations = useStations();
  const station = stations.data?.find((one) => one.stationId === stationId);
  return (
    <Stack>
      <Anchor component={Link} to="/" size="sm">
        ← {t("driver.charger.back")}
      </Anchor>
      {stations.error && <ProblemAlert error={stations.error} retry={() => stations.refetch()} />}
      {stations.isPending && <Skeleton h={240} radius="md" />}
      {stations.data && !station && <Empty title={t("driver.find.none")} />}
      {station && <StartForm station={station} wanted={connectorId} />}
    </Stack>
  );
}

function StartForm({ station, wanted }: { station: UserStation; wanted: string | undefined }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const wallet = useWallet();
  const free = station.connectors.filter((one) => isFree(station, one));
  const [chosen, setChosen] = useState(wanted);
  const connector = free.find((one) => String(one.connectorId) === chosen) ?? (chosen ? undefined : free[0]);
  const [amount, setAmount] = useState("200");
  const [key] = useState(idempotencyKey);
  const currency = wallet.data?.currency ?? station.currency ?? "INR";
  const amountMinor = parseMinor(amount, currency);
  const isShort =
    wallet.data !== undefined && amountMinor !== null && amountMinor > wallet.data.availableMinor;
  const start = useMutation({
    mutationFn: () =>
      ask(
        api.POST("/api/user/charging/start", {
          // The same wish twice is one; another connector or amount is another wish.
          headers: { "Idempotency-Key": `${key}-${connector?.connectorId}-${amountMinor}` },
          body: {
            deviceId: station.stationId,
            connectorId: connector?.connectorId ?? 0,
            amountMinor: amountMinor ?? 0,
          },
        }),
      ),
    onSuccess: () => {
      queries.invalidateQueries({ queryKey: SESSIONS });
      queries.invalidateQueries({ queryKey: WALLET });
      navigate({ to: "/charging" });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (connector && amountMinor !== null && !isShort) start.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <div>
          <Title order={1}>{station.name || station.stationId}</Title>
          <Text c="dimmed">
            {[station.site, station.name && station.stationId].filter(Boolean).join(" · ")}
          </Text>
          {station.priceMinorPerKwh != null && (
            <Text mt={4}>{t("driver.find.price", { price: money(station.priceMinorPerKwh, currency) })}</Text>
          )}
        </div>
        {!station.isOnline && <Text c="var(--mantine-color-error)">{t("driver.charger.away")}</Text>}
        <Stack gap={8}>
          {station.connectors.map((one) => (
            <UnstyledButton
              key={one.connectorId}
              className={`sm-card ${classes.connector}`}
              disabled={!free.includes(one)}
              aria-pressed={one === connector}
              onClick={() => setChosen(String(one.connectorId))}
              data-testid={`connector-${station.stationId}-${one.connectorId}`}
            >
              <Text fw={600}>{t("driver.charger.connector", { id: one.connectorId })}</Text>
              <StatusPill point={station} connector={one} />
            </UnstyledButton>
          ))}
        </Stack>
        {free.length > 0 && (
          <>
            <AmountInput
              size="md"
              label={t("driver.charger.amount")}
              description={t("driver.charger.amountHint")}
              currency={currency}
              value={amount}
              onChange={setAmount}
              error={(amountMinor === null && t("badAmount")) || (isShort && t("driver.charger.short"))}
              testId="start-amount"
            />
            <Chip.Group value={amount} onChange={(value) => setAmount(String(value))}>
              <Group gap="xs">
                {AMOUNTS.map((one) => (
                  <Chip key={one} value={one} size="md">
                    {`${currencySymbol(currency)}${one}`}
                  </Chip>
                ))}
              </Group>
            </Chip.Group>
            <Text size="sm" c="dimmed">
              {t("driver.charger.available", { amount: money(wallet.data?.availableMinor, currency) })}
            </Text>
            {start.error && <ProblemAlert error={start.error} />}
            <Button
              type="submit"
              size="lg"
              fullWidth
              loading={start.isPending}
              disabled={!connector || amountMinor === null || isShort}
              data-testid="start-submit"
            >
              {t("driver.charger.start")}
            </Button>
            <Text size="sm" c="dimmed" ta="center">
              {t("driver.charger.plugIn")}
            </Text>
          </>
        )}
      </Stack>
    </form>
  );
}

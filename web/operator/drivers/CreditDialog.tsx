// Put money into a driver's wallet: amount, reason, and a second look before it happens.
import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { api, ask, idempotencyKey } from "@shared/api/client";
import type { Driver } from "@shared/api/types";
import { AmountInput } from "@shared/components/AmountInput";
import { ProblemAlert } from "@shared/components/ProblemAlert";
import { DEFAULT_CURRENCY, money, parseMinor } from "@shared/format/money";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { DRIVERS } from "../live";

export function CreditDialog({ driver, close }: { driver: Driver | null; close: () => void }) {
  const { t } = useTranslation();
  const name = driver?.name || driver?.email || "";
  return (
    <Modal
      opened={driver !== null}
      onClose={close}
      title={t("credit.title", { name })}
      closeButtonProps={{ "aria-label": t("close") }}
    >
      {driver && <CreditForm key={driver.id} driver={driver} name={name} close={close} />}
    </Modal>
  );
}

function CreditForm({ driver, name, close }: { driver: Driver; name: string; close: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const currency = driver.currency ?? DEFAULT_CURRENCY;
  const [amount, setAmount] = useState("");
  const [reason, setReason] = useState("");
  const [isSure, setSure] = useState(false);
  const [key, setKey] = useState(idempotencyKey);
  const amountMinor = parseMinor(amount, currency);
  const isReady = amountMinor !== null && reason.trim() !== "";
  const change = (set: (typed: string) => void) => (typed: string) => {
    set(typed);
    setSure(false);
    setKey(idempotencyKey()); // Another amount is another wish; the same wish twice is one.
  };
  const credit = useMutation({
    mutationFn: () =>
      ask(
        api.POST("/api/cms/wallets/{driver_id}/credits", {
          params: { path: { driver_id: driver.id } },
          headers: { "Idempotency-Key": key },
          body: { amountMinor: amountMinor ?? 0, reason: reason.trim() },
        }),
      ),
    onSuccess: () => {
      queries.invalidateQueries({ queryKey: DRIVERS });
      notifications.show({
        message: t("credit.done", { amount: money(amountMinor, currency), name }),
        color: "teal",
      });
      close();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!isReady) return;
    if (isSure) credit.mutate();
    else setSure(true);
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <AmountInput
          label={t("credit.amount")}
          required
          currency={currency}
          value={amount}
          onChange={change(setAmount)}
          error={amount !== "" && amountMinor === null && t("badAmount")}
          testId="credit-amount"
        />
        <TextInput
          label={t("credit.reason")}
          description={t("credit.reasonHint")}
          required
          maxLength={200}
          value={reason}
          onChange={(event) => change(setReason)(event.currentTarget.value)}
          data-testid="credit-reason"
        />
        {isSure && <Text size="sm">{t("credit.sure", { amount: money(amountMinor, currency), name })}</Text>}
        {credit.error && <ProblemAlert error={credit.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            {t("cancel")}
          </Button>
          <Button type="submit" disabled={!isReady} loading={credit.isPending} data-testid="credit-submit">
            {isSure ? t("credit.confirm", { amount: money(amountMinor, currency) }) : t("credit.next")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

// My money: what I have, what is set apart, and every movement.
import { Button, Skeleton, Stack, Text, Title } from "@mantine/core";
import type { StatementLine } from "@shared/api/types";
import { Empty } from "@shared/components/Empty";
import { ProblemAlert } from "@shared/components/ProblemAlert";
import { money } from "@shared/format/money";
import { dayAndClock } from "@shared/format/time";
import { useTranslation } from "react-i18next";
import classes from "./Find.module.css";
import { useStatement, useWallet } from "./queries";

export function WalletPage() {
  const { t } = useTranslation();
  const wallet = useWallet();
  const statement = useStatement();
  const lines = statement.data?.pages.flatMap((page) => page.items) ?? [];
  const error = wallet.error ?? statement.error;
  return (
    <Stack>
      <Title order={1}>{t("driver.wallet.title")}</Title>
      {error && (
        <ProblemAlert error={error} retry={() => Promise.all([wallet.refetch(), statement.refetch()])} />
      )}
      {wallet.isPending && <Skeleton h={110} radius="md" />}
      {wallet.data && (
        <section className="sm-card" style={{ padding: 18 }}>
          <Text size="sm" c="dimmed">
            {t("driver.wallet.available")}
          </Text>
          <Text fz={34} fw={680} lh={1.2} data-testid="wallet-available">
            {money(wallet.data.availableMinor, wallet.data.currency)}
          </Text>
          {wallet.data.heldMinor > 0 && (
            <Text size="sm" mt={4} data-testid="wallet-held">
              {t("driver.wallet.held")}: {money(wallet.data.heldMinor, wallet.data.currency)}
            </Text>
          )}
          {wallet.data.owedMinor > 0 && (
            <Text size="sm" mt={4} c="var(--mantine-color-error)">
              {t("driver.wallet.owed")}: {money(wallet.data.owedMinor, wallet.data.currency)}
            </Text>
          )}
        </section>
      )}
      <Title order={2}>{t("driver.wallet.statement")}</Title>
      {statement.isPending && <Skeleton h={220} radius="md" />}
      {statement.data && (
        <div className="sm-card">
          {lines.length === 0 && <Empty title={t("driver.wallet.none")} />}
          {lines.map((line) => (
            <Line key={`${line.transactionId}-${line.balanceAfterMinor}`} line={line} />
          ))}
        </div>
      )}
      {statement.hasNextPage && (
        <Button
          variant="default"
          loading={statement.isFetchingNextPage}
          onClick={() => statement.fetchNextPage()}
        >
          {t("older")}
        </Button>
      )}
    </Stack>
  );
}

function Line({ line }: { line: StatementLine }) {
  const { t } = useTranslation();
  const isIn = line.amountMinor > 0;
  return (
    <div className={classes.line} data-testid="statement-line">
      <div>
        <Text size="sm" fw={600}>
          {t(
            `driver.wallet.kind.${line.kind === "settle" ? (isIn ? "settleIn" : "settleOut") : line.kind}`,
            line.text || line.kind,
          )}
        </Text>
        <Text size="xs" c="dimmed">
          {[dayAndClock(line.at), line.reason].filter(Boolean).join(" · ")}
        </Text>
      </div>
      <div style={{ textAlign: "end", whiteSpace: "nowrap" }}>
        <Text size="sm" fw={650} c={isIn ? "var(--sm-in)" : undefined}>
          {isIn ? "+" : ""}
          {money(line.amountMinor, line.currency)}
        </Text>
        <Text size="xs" c="dimmed">
          {t("driver.wallet.balance", { amount: money(line.balanceAfterMinor, line.currency) })}
        </Text>
      </div>
    </div>
  );
}

// Where the money of a charge went: held, used, shared out, returned. Figures as the server booked them.
import { Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { money } from "../format/money";
import { isTerminal } from "../live/patch";
import classes from "./MoneyBox.module.css";

export type Booked = {
  state: string;
  payerKind: string;
  currency: string;
  holdMinor: number;
  costMinor: number;
  overrunMinor?: number;
  releasedMinor: number;
  feeMinor?: number;
  organisationMinor?: number;
  taxMinor?: number;
  priceMinorPerKwh: number;
  isProvisional: boolean;
};

export function MoneyBox({ booked, isForDriver = false }: { booked: Booked; isForDriver?: boolean }) {
  const { t } = useTranslation();
  const isFinal = isTerminal(booked.state);
  const write = (minor: number | undefined) => money(minor, booked.currency);
  const hasHold = booked.holdMinor > 0;
  return (
    <section className="sm-card" data-testid="session-money" aria-label={t("money.title")}>
      <div className={classes.box}>
        {hasHold && <Line name={t("money.held")} value={write(booked.holdMinor)} />}
        <Line
          name={t(isFinal ? "money.used" : "money.soFar")}
          note={
            booked.priceMinorPerKwh > 0
              ? t("money.perKwh", { price: write(booked.priceMinorPerKwh) })
              : undefined
          }
          value={write(booked.costMinor)}
          isStrong
        />
        {!isForDriver && isFinal && booked.costMinor > 0 && (
          <div className={classes.parts}>
            <Line name={t("money.organisation")} value={write(booked.organisationMinor)} />
            <Line name={t("money.fee")} value={write(booked.feeMinor)} />
            <Line name={t("money.tax")} value={write(booked.taxMinor)} />
          </div>
        )}
        {Boolean(booked.overrunMinor) && (
          <Line name={t("money.overrun")} value={write(booked.overrunMinor)} />
        )}
        {hasHold && isFinal && (
          <Line name={t("money.returned")} value={write(booked.releasedMinor)} isStrong />
        )}
        {!isFinal && (
          <Text size="xs" c="dimmed" mt={6}>
            {t(hasHold ? "money.openHeld" : "money.open")}
          </Text>
        )}
        {isFinal && booked.isProvisional && (
          <Text size="xs" c="dimmed" mt={6}>
            {t("money.provisional")}
          </Text>
        )}
        {booked.payerKind === "free" && (
          <Text size="xs" c="dimmed" mt={6}>
            {t("money.free")}
          </Text>
        )}
      </div>
    </section>
  );
}

function Line({
  name,
  value,
  note,
  isStrong,
}: {
  name: string;
  value: string;
  note?: string;
  isStrong?: boolean;
}) {
  return (
    <div className={classes.line} data-strong={isStrong}>
      <span>
        {name}
        {note && <span className={classes.note}> {note}</span>}
      </span>
      <span>{value}</span>
    </div>
  );
}

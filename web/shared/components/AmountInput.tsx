// An amount of money as somebody types it. Reading it is the money formatter's work.
import { Text, TextInput } from "@mantine/core";
import type { ReactNode } from "react";
import { currencySymbol } from "../format/money";

type Props = {
  label: string;
  value: string;
  onChange: (typed: string) => void;
  currency?: string;
  required?: boolean;
  error?: ReactNode;
  description?: string;
  size?: string;
  testId?: string;
};

export function AmountInput({ label, value, onChange, currency = "INR", testId, ...rest }: Props) {
  return (
    <TextInput
      label={label}
      inputMode="decimal"
      autoComplete="off"
      leftSection={
        <Text size="sm" c="dimmed" aria-hidden="true">
          {currencySymbol(currency)}
        </Text>
      }
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      data-testid={testId}
      {...rest}
    />
  );
}

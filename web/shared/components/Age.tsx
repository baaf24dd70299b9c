// How long ago was that? With the exact time for whoever points at it.
import { Text, type TextProps } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { age, exact } from "../format/time";
import { useNow } from "./useNow";

export function Age({ at, ...rest }: { at: string | null | undefined } & TextProps) {
  const { t } = useTranslation();
  const now = useNow();
  if (!at) return <Text {...rest}>—</Text>;
  return (
    <Text component="time" dateTime={at} title={exact(at)} {...rest}>
      {t("time.ago", { age: age(at, now) })}
    </Text>
  );
}

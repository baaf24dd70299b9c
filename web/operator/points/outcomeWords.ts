// How does a failed command read?
import type { Outcome } from "@shared/live/patch";
import type { TFunction } from "i18next";

export function outcomeWords(t: TFunction, outcome: Pick<Outcome, "action" | "code">): string {
  return t(`outcome.${outcome.code}`, {
    action: t(`action.${outcome.action}`, outcome.action),
    defaultValue: outcome.code,
  });
}

// Which language and country numbers and times are written for.
import i18n from "i18next";

export function locale(): string {
  const language = i18n.language || "en";
  return language === "en" ? "en-IN" : language; // lakh grouping, 24 h clock
}

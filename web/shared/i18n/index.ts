// The words of the pages. A language is one file beside `en.ts` with the same keys, and a line in LANGUAGES.
import i18n from "i18next";
import { initReactI18next } from "react-i18next";
import { en } from "./en";

/** What a translation must hold: every key of English, as text. Hindi goes here next. */
export type Words<T = typeof en> = { [K in keyof T]: T[K] extends string ? string : Words<T[K]> };

const LANGUAGES: Record<string, Words> = { en };

export function startWords(language = "en"): void {
  i18n.use(initReactI18next).init({
    lng: language,
    fallbackLng: "en",
    resources: Object.fromEntries(
      Object.entries(LANGUAGES).map(([name, words]) => [name, { translation: words }]),
    ),
    interpolation: { escapeValue: false }, // React escapes.
    initAsync: false,
  });
}

// The log of the whole fleet.
import { useSearch } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { PageTitle } from "../PageTitle";
import { LogView } from "./LogView";
import classes from "./LogView.module.css";

export function LogPage() {
  const { t } = useTranslation();
  const { logDevice } = useSearch({ from: "__root__" });
  return (
    <div className={classes.page}>
      <PageTitle title={t("menu.log")} text={t("log.text")} />
      <div className={`sm-card ${classes.card}`}>
        <LogView deviceId={logDevice} isFleet />
      </div>
    </div>
  );
}

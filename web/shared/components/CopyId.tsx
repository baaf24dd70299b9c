// An id that one can take along.
import { CopyButton, Tooltip, UnstyledButton } from "@mantine/core";
import { useTranslation } from "react-i18next";
import classes from "./CopyId.module.css";
import { Check, Copy } from "./icons";

export function CopyId({ id, label }: { id: string; label: string }) {
  const { t } = useTranslation();
  return (
    <CopyButton value={id} timeout={1500}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? t("copied") : t("copy", { what: label })}>
          <UnstyledButton
            className={classes.id}
            onClick={copy}
            aria-label={t("copy", { what: `${label} ${id}` })}
          >
            <span className="sm-mono">{id}</span>
            {copied ? <Check size={13} /> : <Copy size={13} />}
          </UnstyledButton>
        </Tooltip>
      )}
    </CopyButton>
  );
}

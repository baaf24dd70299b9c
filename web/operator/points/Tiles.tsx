// Five counts of the connectors, which are filters too.
import { SimpleGrid, Text, UnstyledButton } from "@mantine/core";
import { CLASS_LOOK } from "@shared/components/StatusPill";
import { CLASSES, type ConnectorClass } from "@shared/words";
import { useTranslation } from "react-i18next";
import classes from "./Tiles.module.css";

type Props = {
  counts: Record<ConnectorClass, number> | null;
  chosen: ConnectorClass | undefined;
  choose: (kind: ConnectorClass | undefined) => void;
};

export function Tiles({ counts, chosen, choose }: Props) {
  const { t } = useTranslation();
  return (
    <SimpleGrid cols={5} spacing={{ base: 6, sm: 12 }} mb="md" role="group" aria-label={t("points.tiles")}>
      {CLASSES.map((kind) => {
        const { color, Sign } = CLASS_LOOK[kind];
        return (
          <UnstyledButton
            key={kind}
            className={classes.tile}
            aria-pressed={chosen === kind}
            onClick={() => choose(chosen === kind ? undefined : kind)}
            style={{ "--tile": `var(--mantine-color-${color}-light-color)` }}
            data-testid={`tile-${kind}`}
          >
            <span className={classes.head}>
              <Sign size={16} className={classes.sign} />
              <Text component="span" fz="inherit" fw={550}>
                {t(`class.${kind}`)}
              </Text>
            </span>
            <span className={classes.count}>{counts ? counts[kind] : "–"}</span>
          </UnstyledButton>
        );
      })}
    </SimpleGrid>
  );
}

// A row per charging point, a line per connector in it; cards where there is no room for a table.
import { ActionIcon, Group, Table, Text, Tooltip } from "@mantine/core";
import { Age } from "@shared/components/Age";
import { Lines } from "@shared/components/icons";
import { useNavigate } from "@tanstack/react-router";
import { memo } from "react";
import { useTranslation } from "react-i18next";
import { ConnectorLine } from "./ConnectorLine";
import type { Chosen } from "./PointsPage";
import classes from "./PointsTable.module.css";
import type { Point } from "./usePoints";

type Acts = { start: (chosen: Chosen) => void; stop: (chosen: Chosen) => void };
type Props = { points: Point[]; isNarrow: boolean } & Acts;

export function PointsTable({ points, isNarrow, start, stop }: Props) {
  const { t } = useTranslation();
  if (isNarrow)
    return (
      <div data-testid="charging-points-table">
        {points.map((point) => (
          <Card key={point.stationId} point={point} start={start} stop={stop} />
        ))}
      </div>
    );
  return (
    <div className={`sm-card ${classes.frame}`}>
      <Table
        className={classes.table}
        verticalSpacing={10}
        horizontalSpacing="md"
        data-testid="charging-points-table"
      >
        <caption className={classes.caption}>{t("points.caption")}</caption>
        <Table.Thead>
          <Table.Tr>
            <Table.Th w={164}>{t("points.charger")}</Table.Th>
            <Table.Th w={138}>{t("points.site")}</Table.Th>
            <Table.Th>{t("points.connectors")}</Table.Th>
            <Table.Th w={128}>{t("points.lastMessage")}</Table.Th>
            <Table.Th w={60}>
              <span className={classes.caption}>{t("points.openLog")}</span>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {points.map((point) => (
            <Row key={point.stationId} point={point} start={start} stop={stop} />
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}

const Row = memo(function Row({ point, start, stop }: { point: Point } & Acts) {
  return (
    <Table.Tr data-testid={`row-${point.stationId}`} data-online={point.isOnline}>
      <Table.Th scope="row" className={classes.name}>
        <Name point={point} />
      </Table.Th>
      <Table.Td>
        <Text size="sm">{point.site || "—"}</Text>
      </Table.Td>
      <Table.Td py={4}>
        <Connectors point={point} start={start} stop={stop} />
      </Table.Td>
      <Table.Td>
        <Age at={point.lastSeenAt} size="sm" c="dimmed" />
      </Table.Td>
      <Table.Td>
        <OpenLog stationId={point.stationId} />
      </Table.Td>
    </Table.Tr>
  );
});

const Card = memo(function Card({ point, start, stop }: { point: Point } & Acts) {
  return (
    <article
      className={`sm-card ${classes.card}`}
      data-testid={`row-${point.stationId}`}
      data-online={point.isOnline}
    >
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <Name point={point} />
        <Group gap="xs" wrap="nowrap">
          <Age at={point.lastSeenAt} size="xs" c="dimmed" />
          <OpenLog stationId={point.stationId} />
        </Group>
      </Group>
      <Connectors point={point} start={start} stop={stop} />
    </article>
  );
});

function Name({ point }: { point: Point }) {
  const { t } = useTranslation();
  const made = [point.vendor, point.model].filter(Boolean).join(" ");
  return (
    <div>
      <Text fw={650} size="sm" className={classes.id}>
        {point.stationId}
      </Text>
      <Text size="xs" c="dimmed">
        {made || t("points.unknownModel")}
      </Text>
    </div>
  );
}

function Connectors({ point, start, stop }: { point: Point } & Acts) {
  const { t } = useTranslation();
  if (point.connectors.length === 0)
    return (
      <Text size="sm" c="dimmed">
        {t("points.noConnectors")}
      </Text>
    );
  return point.connectors.map((connector) => (
    <ConnectorLine
      key={connector.connectorId}
      point={point}
      connector={connector}
      start={start}
      stop={stop}
    />
  ));
}

function OpenLog({ stationId }: { stationId: string }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  return (
    <Tooltip label={t("points.openLog")}>
      <ActionIcon
        variant="subtle"
        color="gray"
        aria-label={t("points.openLogOf", { id: stationId })}
        onClick={() => navigate({ to: ".", search: (now) => ({ ...now, log: stationId }) })}
        data-testid={`log-open-${stationId}`}
      >
        <Lines size={18} />
      </ActionIcon>
    </Tooltip>
  );
}

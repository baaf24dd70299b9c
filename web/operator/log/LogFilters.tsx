// What of the log is shown.
import { Button, Group, SegmentedControl, Select, Switch, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { Search } from "@shared/components/icons";
import { zoneLabel } from "@shared/format/time";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type LogSearch, RANGES, type Range } from "../search";
import { DEFAULT_RANGE } from "./logQuery";

const TYPES = [
  ...[
    "Authorize",
    "BootNotification",
    "ChangeAvailability",
    "ChangeConfiguration",
    "DataTransfer",
    "GetConfiguration",
  ],
  ...[
    "Heartbeat",
    "MeterValues",
    "RemoteStartTransaction",
    "RemoteStopTransaction",
    "Reset",
    "StartTransaction",
  ],
  ...["StatusNotification", "StopTransaction", "TriggerMessage", "UnlockConnector"],
];

type Props = {
  search: LogSearch;
  change: (change: LogSearch) => void;
  isFleet: boolean;
  isFollowing: boolean;
  follow: (on: boolean) => void;
};

export function LogFilters({ search, change, isFleet, isFollowing, follow }: Props) {
  const { t } = useTranslation();
  const range = search.logRange ?? DEFAULT_RANGE;
  const isFiltered = Boolean(
    search.logType || search.logDirection || search.logText || search.logDevice || search.logRange,
  );
  return (
    <Group gap={8} px="md" py={8}>
      <Select
        size="xs"
        w={118}
        aria-label={t("log.range")}
        data={RANGES.map((one) => ({ value: one, label: t(`log.ranges.${one}`) }))}
        value={range}
        allowDeselect={false}
        onChange={(value) => change({ logRange: value === DEFAULT_RANGE ? undefined : (value as Range) })}
        data-testid="log-range"
      />
      {range === "custom" && (
        <>
          <Moment label={t("log.from")} value={search.logFrom} change={(logFrom) => change({ logFrom })} />
          <Moment label={t("log.to")} value={search.logTo} change={(logTo) => change({ logTo })} />
        </>
      )}
      <Select
        size="xs"
        w={168}
        aria-label={t("log.type")}
        placeholder={t("log.anyType")}
        clearable
        searchable
        data={TYPES}
        value={search.logType ?? null}
        onChange={(value) => change({ logType: value ?? undefined })}
        clearButtonProps={{ "aria-label": t("clear") }}
        data-testid="log-type"
      />
      <SegmentedControl
        size="xs"
        aria-label={t("log.direction")}
        value={search.logDirection ?? "both"}
        onChange={(value) =>
          change({ logDirection: value === "both" ? undefined : (value as LogSearch["logDirection"]) })
        }
        data={[
          { value: "both", label: t("log.both") },
          { value: "Incoming", label: t("log.in") },
          { value: "Outgoing", label: t("log.out") },
        ]}
      />
      {isFleet && (
        <Words
          label={t("log.device")}
          value={search.logDevice}
          change={(logDevice) => change({ logDevice })}
          width={130}
        />
      )}
      <Words
        label={t("log.search")}
        value={search.logText}
        change={(logText) => change({ logText })}
        width={140}
        hasSign
      />
      <Switch
        size="xs"
        label={t("log.follow")}
        checked={isFollowing}
        disabled={range === "custom" && Boolean(search.logTo)}
        onChange={(event) => follow(event.currentTarget.checked)}
        data-testid="log-follow"
      />
      {isFiltered && (
        <Button
          size="compact-xs"
          variant="subtle"
          onClick={() =>
            change({
              ...{ logType: undefined, logDirection: undefined, logText: undefined, logDevice: undefined },
              ...{ logRange: undefined, logFrom: undefined, logTo: undefined },
            })
          }
        >
          {t("points.clear")}
        </Button>
      )}
    </Group>
  );
}

type Field = { label: string; value: string | undefined; change: (value: string | undefined) => void };

function Moment({ label, value, change }: Field) {
  return (
    <TextInput
      size="xs"
      type="datetime-local"
      step={1}
      aria-label={`${label} (${zoneLabel()})`}
      value={value ?? ""}
      onChange={(event) => change(event.currentTarget.value || undefined)}
    />
  );
}

function Words({ label, value, change, width, hasSign }: Field & { width: number; hasSign?: boolean }) {
  const [typed, setTyped] = useState(value ?? "");
  const later = useDebouncedCallback((words: string) => change(words || undefined), 300);
  const [shown, setShown] = useState(value);
  if (shown !== value) {
    // The address changed by itself: "clear filters", or back.
    setShown(value);
    if (!value) setTyped("");
  }
  return (
    <TextInput
      size="xs"
      w={width}
      aria-label={label}
      placeholder={label}
      leftSection={hasSign && <Search size={13} />}
      value={typed}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        later(event.currentTarget.value.trim());
      }}
    />
  );
}

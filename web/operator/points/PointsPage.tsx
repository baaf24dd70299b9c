// The landing page: every charging point, live, with start and stop.
import { Button, Group, Pagination, Skeleton, Stack, TextInput } from "@mantine/core";
import { useDebouncedCallback, useElementSize } from "@mantine/hooks";
import { Empty } from "@shared/components/Empty";
import { Search } from "@shared/components/icons";
import { ProblemAlert } from "@shared/components/ProblemAlert";
import { useLive } from "@shared/live/useLive";
import { countClasses } from "@shared/words";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { PageTitle } from "../PageTitle";
import type { PointsSearch } from "../search";
import { Announcer } from "./Announcer";
import { matching } from "./filter";
import { PointsTable } from "./PointsTable";
import { StartDialog } from "./StartDialog";
import { StopDialog } from "./StopDialog";
import { Tiles } from "./Tiles";
import { usePoints } from "./usePoints";

const ROWS = 50;
const NARROW_PX = 880;
const SKELETONS = ["a", "b", "c", "d", "e", "f"];

export type Chosen = { stationId: string; connectorId: number };

export function PointsPage() {
  const { t } = useTranslation();
  const { tile, q = "", page = 1 } = useSearch({ from: "/" });
  const navigate = useNavigate({ from: "/" });
  const points = usePoints();
  const live = useLive();
  const { ref, width } = useElementSize();
  const [starting, setStarting] = useState<Chosen | null>(null);
  const [stopping, setStopping] = useState<Chosen | null>(null);
  const all = points.data;
  const counts = useMemo(() => (all ? countClasses(all) : null), [all]);
  const shown = useMemo(() => matching(all ?? [], tile, q), [all, tile, q]);
  const filter = (change: PointsSearch) =>
    navigate({ search: (now) => ({ ...now, page: undefined, ...change }), replace: true });

  return (
    <div ref={ref}>
      <PageTitle title={t("menu.points")} text={t("points.text", { count: all?.length ?? 0 })}>
        <SearchField
          value={q}
          search={(words) => filter({ q: words || undefined })}
          label={t("points.search")}
        />
      </PageTitle>
      <Tiles counts={counts} chosen={tile} choose={(kind) => filter({ tile: kind })} />
      {points.error && (
        <Stack mb="md">
          <ProblemAlert error={points.error} retry={() => points.refetch()} />
        </Stack>
      )}
      {points.isPending && SKELETONS.map((key) => <Skeleton key={key} h={72} mb={8} radius="md" />)}
      {all && shown.length > 0 && (
        <div className={live.mode === "offline" ? "sm-old" : undefined}>
          <PointsTable
            points={shown.slice((page - 1) * ROWS, page * ROWS)}
            isNarrow={width > 0 && width < NARROW_PX}
            start={setStarting}
            stop={setStopping}
          />
        </div>
      )}
      {all && shown.length === 0 && (
        <div className="sm-card">
          {all.length === 0 ? (
            <Empty title={t("points.none")} text={t("points.noneText")} />
          ) : (
            <Empty title={t("points.noMatch")}>
              <Button variant="default" onClick={() => filter({ tile: undefined, q: undefined })}>
                {t("points.clear")}
              </Button>
            </Empty>
          )}
        </div>
      )}
      {shown.length > ROWS && (
        <Group justify="center" mt="md">
          <Pagination
            total={Math.ceil(shown.length / ROWS)}
            value={page}
            onChange={(next) => filter({ page: next > 1 ? next : undefined })}
            getControlProps={(control) => ({ "aria-label": t(`pages.${control}`) })}
            getItemProps={(number) => ({ "aria-label": t("pages.page", { number }) })}
          />
        </Group>
      )}
      <Announcer points={all ?? []} />
      <StartDialog chosen={starting} points={all ?? []} close={() => setStarting(null)} />
      <StopDialog chosen={stopping} points={all ?? []} close={() => setStopping(null)} />
    </div>
  );
}

export function SearchField({
  value,
  search,
  label,
}: {
  value: string;
  search: (words: string) => void;
  label: string;
}) {
  const [typed, setTyped] = useState(value);
  const later = useDebouncedCallback(search, 200);
  return (
    <TextInput
      type="search"
      aria-label={label}
      placeholder={label}
      leftSection={<Search />}
      w={{ base: "100%", xs: 280 }}
      value={typed}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        later(event.currentTarget.value.trim());
      }}
    />
  );
}

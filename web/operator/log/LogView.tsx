// Filters and rows of the log: of one charger in the drawer, of the fleet on its page.
import { Button, Center, Skeleton } from "@mantine/core";
import { Empty } from "@shared/components/Empty";
import { Up } from "@shared/components/icons";
import { ProblemAlert } from "@shared/components/ProblemAlert";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { LogSearch } from "../search";
import { LogFilters } from "./LogFilters";
import { LogLine } from "./LogLine";
import classes from "./LogView.module.css";
import { useLog } from "./useLog";

const TOP_PX = 24;
const SKELETONS = ["a", "b", "c", "d", "e", "f", "g", "h"];

export function LogView({ deviceId, isFleet = false }: { deviceId: string | undefined; isFleet?: boolean }) {
  const { t } = useTranslation();
  const search = useSearch({ from: "__root__" });
  const navigate = useNavigate();
  const scroller = useRef<HTMLDivElement>(null);
  const [isFollowing, follow] = useState(true);
  const [held, setHeld] = useState<string | null>(null);
  const isBounded = search.logRange === "custom" && Boolean(search.logTo);
  const log = useLog(search, deviceId, isFollowing && !isBounded);
  const change = (next: LogSearch) => {
    setHeld(null);
    navigate({ to: ".", search: (now) => ({ ...now, ...next }), replace: true });
  };
  // While somebody reads further down, what is new waits above, counted.
  const waiting =
    held === null
      ? 0
      : Math.max(
          0,
          log.rows.findIndex((row) => row.id === held),
        );
  const scrolled = () => {
    const isAtTop = (scroller.current?.scrollTop ?? 0) < TOP_PX;
    if (isAtTop && waiting === 0 && held !== null) setHeld(null);
    if (!isAtTop && held === null) setHeld(log.rows[0]?.id ?? null);
  };
  const toTop = () => {
    setHeld(null);
    scroller.current?.scrollTo({ top: 0 });
  };

  return (
    <>
      <LogFilters
        search={search}
        change={change}
        isFleet={isFleet}
        isFollowing={isFollowing && !isBounded}
        follow={follow}
      />
      <div className={classes.rows} ref={scroller} onScroll={scrolled} data-fleet={isFleet}>
        {waiting > 0 && (
          <Center className={classes.waiting}>
            <Button
              size="xs"
              radius="xl"
              leftSection={<Up size={14} />}
              onClick={toTop}
              data-testid="log-new"
            >
              {t("log.new", { count: waiting })}
            </Button>
          </Center>
        )}
        {log.error && <ProblemAlert error={log.error} retry={() => log.refetch()} />}
        {log.isPending && SKELETONS.map((key) => <Skeleton key={key} h={44} mb={4} />)}
        {log.isSuccess && log.rows.length === 0 && (
          <Empty title={t("log.none")} text={t("log.noneText")}>
            {search.logRange !== "all" && (
              <Button size="xs" variant="default" mt="xs" onClick={() => change({ logRange: "all" })}>
                {t("log.widen")}
              </Button>
            )}
          </Empty>
        )}
        {log.rows.slice(waiting).map((row) => (
          <LogLine key={row.id} row={row} isFleet={isFleet} />
        ))}
        {log.hasNextPage && (
          <Center py="sm">
            <Button
              size="xs"
              variant="default"
              loading={log.isFetchingNextPage}
              onClick={() => log.fetchNextPage()}
            >
              {t("older")}
            </Button>
          </Center>
        )}
      </div>
    </>
  );
}

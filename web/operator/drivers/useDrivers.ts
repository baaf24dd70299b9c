// Drivers with what they have.
import { api, ask } from "@shared/api/client";
import { useLive } from "@shared/live/useLive";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { DRIVERS } from "../live";

const SHOWN_MAX = 100;

export function useDrivers(search: string) {
  const live = useLive();
  return useQuery({
    queryKey: [...DRIVERS, search],
    refetchInterval: live.interval,
    placeholderData: keepPreviousData,
    queryFn: () =>
      ask(
        api.GET("/api/cms/drivers", { params: { query: { search: search || undefined, limit: SHOWN_MAX } } }),
      ),
  });
}

// Lists come in pages; the live lists are needed whole. And: helpers to patch lists that are cached in pages.
import type { InfiniteData, QueryClient, QueryKey } from "@tanstack/react-query";
import type { LiveEvent, Page } from "../api/types";
import { patchSession, type SessionLike } from "./patch";

export const PAGE = 200;
const PAGES_MAX = 25;

/** All pages of a list, up to a bound that a screen can bear. */
export async function everyPage<T>(ask: (cursor: string | undefined) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const got = await ask(cursor);
    items.push(...got.items);
    if (!got.nextCursor) break;
    cursor = got.nextCursor;
  }
  return items;
}

/** Sessions in lists (paged) and single ones, wherever they are cached under these keys. */
export function patchSessions(
  queries: QueryClient,
  lists: QueryKey,
  single: QueryKey,
  events: LiveEvent[],
): void {
  const about = events.filter((event) => event.sessionId);
  if (about.length === 0) return;
  const patch = <S extends SessionLike>(session: S) => about.reduce(patchSession, session);
  queries.setQueriesData<InfiniteData<Page<SessionLike>>>(
    { queryKey: lists },
    (data) =>
      data && { ...data, pages: data.pages.map((page) => ({ ...page, items: page.items.map(patch) })) },
  );
  queries.setQueriesData<SessionLike>({ queryKey: single }, (data) => data && patch(data));
}

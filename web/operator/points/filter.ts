// Which stations are meant by a tile and some words? Pure.
import type { PointLike } from "@shared/live/patch";
import { type ConnectorClass, classOf } from "@shared/words";

type Named = PointLike & { chargerId: string; name: string; site: string; model: string; vendor: string };

export function matching<P extends Named>(points: P[], tile: ConnectorClass | undefined, words: string): P[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return points.filter((point) => {
    if (tile && !point.connectors.some((connector) => classOf(point, connector) === tile)) return false;
    const text = haystack(point);
    return wanted.every((word) => text.includes(word));
  });
}

function haystack(point: Named): string {
  const drivers = point.connectors.map((connector) => connector.session?.driverName ?? "");
  return [point.stationId, point.chargerId, point.name, point.site, point.model, point.vendor, ...drivers]
    .join(" ")
    .toLowerCase();
}

// How wide is the log drawer, and does the page have to make room?
import { useLocalStorage, useViewportSize } from "@mantine/hooks";

export const WIDTH_MIN = 420;
export const WIDTH_MAX = 760;
const BESIDE_FROM = 1100; // On narrower screens it lies over the page.

export type DrawerWidth = {
  width: number;
  pushes: number;
  isBeside: boolean;
  setWidth: (width: number) => void;
};

export function useDrawerWidth(): DrawerWidth {
  const [stored, store] = useLocalStorage({ key: "stationmaster-log-width", defaultValue: 520 });
  const { width: viewport } = useViewportSize();
  const width = Math.min(WIDTH_MAX, Math.max(WIDTH_MIN, stored));
  const isBeside = viewport >= BESIDE_FROM;
  return {
    ...{ width, isBeside, pushes: isBeside ? width : 0 },
    setWidth: (wanted) => store(Math.round(Math.min(WIDTH_MAX, Math.max(WIDTH_MIN, wanted)))),
  };
}

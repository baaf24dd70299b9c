// One charger's log beside the page. No overlay: the page stays usable.
import { CloseButton, Group, Text, Title } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, type PointerEvent, useCallback, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import classes from "./LogDrawer.module.css";
import { LogView } from "./LogView";
import { type DrawerWidth, WIDTH_MAX, WIDTH_MIN } from "./useDrawerWidth";

const KEY_STEP = 20;
const FOCUS_AFTER_MS = 120;

const openerOf = (stationId: string) => `[data-testid="log-open-${CSS.escape(stationId)}"]`;

export function LogDrawer({ stationId, drawer }: { stationId: string; drawer: DrawerWidth }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const panel = useRef<HTMLElement>(null);
  const close = useCallback(() => {
    navigate({ to: ".", search: (now) => ({ ...now, log: undefined }) });
    // The page has more room now and may be laid out anew, so its button is looked for afterwards.
    setTimeout(() => document.querySelector<HTMLElement>(openerOf(stationId))?.focus(), FOCUS_AFTER_MS);
  }, [navigate, stationId]);

  useEffect(() => {
    const onKey = (event: globalThis.KeyboardEvent) => {
      if (event.key === "Escape" && !event.defaultPrevented && !isCovered()) close();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [close]);
  useEffect(() => panel.current?.focus({ preventScroll: true }), []);

  return (
    <aside
      ref={panel}
      className={classes.drawer}
      style={drawer.isBeside ? { width: drawer.width } : undefined}
      aria-label={t("log.of", { id: stationId })}
      tabIndex={-1}
      data-testid="log-drawer"
    >
      {drawer.isBeside && <Handle drawer={drawer} />}
      <Group justify="space-between" wrap="nowrap" px="md" pt="sm" pb={4}>
        <div>
          <Title order={2}>{stationId}</Title>
          <Text size="xs" c="dimmed">
            {t("log.title")}
          </Text>
        </div>
        <CloseButton onClick={close} aria-label={t("log.close")} data-testid="log-close" />
      </Group>
      <LogView key={stationId} deviceId={stationId} />
    </aside>
  );
}

/** Something lies above that Esc is meant for: a dialog, an open list. Closed lists may stay in the page, unseen. */
function isCovered(): boolean {
  const above = document.querySelectorAll("[role=dialog], [role=listbox], [role=menu]");
  return [...above].some((one) => one.checkVisibility());
}

function Handle({ drawer }: { drawer: DrawerWidth }) {
  const { t } = useTranslation();
  const move = (event: PointerEvent) => {
    if (event.buttons === 1) drawer.setWidth(document.documentElement.clientWidth - event.clientX);
  };
  const step = (event: KeyboardEvent) => {
    const by = { ArrowLeft: KEY_STEP, ArrowRight: -KEY_STEP }[event.key];
    if (by) drawer.setWidth(drawer.width + by);
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: an <hr> cannot be dragged or focused
    <div
      className={classes.handle}
      role="separator"
      aria-orientation="vertical"
      aria-label={t("log.width")}
      aria-valuemin={WIDTH_MIN}
      aria-valuemax={WIDTH_MAX}
      aria-valuenow={drawer.width}
      tabIndex={0}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={move}
      onKeyDown={step}
    />
  );
}

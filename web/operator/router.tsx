// Which address shows what.
import { createRootRoute, createRoute, createRouter, retainSearchParams } from "@tanstack/react-router";
import { DriversPage } from "./drivers/DriversPage";
import { Frame } from "./Frame";
import { LogPage } from "./log/LogPage";
import { PointsPage } from "./points/PointsPage";
import { driversSearch, logSearch, pointsSearch, sessionsSearch } from "./search";
import { SessionPage } from "./sessions/SessionPage";
import { SessionsPage } from "./sessions/SessionsPage";

const root = createRootRoute({
  component: Frame,
  validateSearch: logSearch,
  // The drawer stays open from page to page.
  search: { middlewares: [retainSearchParams(["log"])] },
});

const points = createRoute({
  getParentRoute: () => root,
  path: "/",
  component: PointsPage,
  validateSearch: pointsSearch,
});
const sessions = createRoute({
  getParentRoute: () => root,
  path: "/sessions",
  component: SessionsPage,
  validateSearch: sessionsSearch,
});
const session = createRoute({
  getParentRoute: () => root,
  path: "/sessions/$sessionId",
  component: SessionPage,
});
const drivers = createRoute({
  getParentRoute: () => root,
  path: "/drivers",
  component: DriversPage,
  validateSearch: driversSearch,
});
const log = createRoute({ getParentRoute: () => root, path: "/log", component: LogPage });

export const router = createRouter({
  routeTree: root.addChildren([points, sessions, session, drivers, log]),
  defaultPreload: false,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}

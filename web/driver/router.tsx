// Which address shows what, below /driver.
import { createRootRoute, createRoute, createRouter } from "@tanstack/react-router";
import { ChargerPage } from "./ChargerPage";
import { ChargingPage } from "./ChargingPage";
import { FindPage } from "./FindPage";
import { Frame } from "./Frame";
import { SessionPage } from "./SessionPage";
import { WalletPage } from "./WalletPage";

const root = createRootRoute({ component: Frame });

const find = createRoute({
  getParentRoute: () => root,
  path: "/",
  component: FindPage,
  validateSearch: (raw: Record<string, unknown>): { q?: string } => ({
    q: typeof raw.q === "string" ? raw.q : undefined,
  }),
});
const charger = createRoute({
  getParentRoute: () => root,
  path: "/c/$stationId/$connectorId",
  component: ChargerPage,
});
const chargerOnly = createRoute({
  getParentRoute: () => root,
  path: "/c/$stationId",
  component: ChargerPage,
});
const charging = createRoute({ getParentRoute: () => root, path: "/charging", component: ChargingPage });
const session = createRoute({
  getParentRoute: () => root,
  path: "/sessions/$sessionId",
  component: SessionPage,
});
const wallet = createRoute({ getParentRoute: () => root, path: "/wallet", component: WalletPage });

// The short address that is printed as a code on a charger: /c/<station>/<connector>.
if (location.pathname.startsWith("/c/")) history.replaceState(null, "", `/driver${location.pathname}`);

export const router = createRouter({
  routeTree: root.addChildren([find, charger, chargerOnly, charging, session, wallet]),
  basepath: "/driver",
  defaultPreload: false,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}

// The operators' application.
import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "@shared/base.css";
import { start } from "@shared/components/App";
import { PersonContext } from "@shared/components/person";
import { LiveProvider } from "@shared/live/useLive";
import { RouterProvider } from "@tanstack/react-router";
import { patchOperator } from "./live";
import { router } from "./router";

start("operator", (person) => (
  <PersonContext value={person}>
    <LiveProvider patch={patchOperator}>
      <RouterProvider router={router} />
    </LiveProvider>
  </PersonContext>
));

// What both entries stand on: theme, words, queries, and the door.
import { Anchor, Center, Container, Loader, MantineProvider, Stack, Text } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type ReactNode, StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { useTranslation } from "react-i18next";
import { asProblem } from "../api/problem";
import { useMe, useSignOut } from "../api/session";
import type { Person } from "../api/types";
import { startWords } from "../i18n";
import { cssVariables, theme } from "../theme";
import { ProblemAlert } from "./ProblemAlert";
import { SignIn } from "./SignIn";

export type Entry = "operator" | "driver";

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      refetchIntervalInBackground: true,
      // A "no" stays a "no"; only silence is asked again.
      retry: (count, error) => count < 2 && asProblem(error).isUnreachable,
    },
  },
});

export function start(entry: Entry, inside: (person: Person) => ReactNode): void {
  startWords();
  document.documentElement.lang = "en";
  const root = document.getElementById("root");
  if (!root) throw new Error("The page has no #root");
  createRoot(root).render(
    <StrictMode>
      <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
        <QueryClientProvider client={queries}>
          <Notifications position="bottom-left" limit={3} />
          <Door entry={entry}>{inside}</Door>
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  );
}

function Door({ entry, children }: { entry: Entry; children: (person: Person) => ReactNode }) {
  const { t } = useTranslation();
  const me = useMe();
  if (me.isPending)
    return (
      <Center h="100vh">
        <Loader aria-label={t("loading")} />
      </Center>
    );
  if (me.error)
    return (
      <Container size={480} py={96}>
        <ProblemAlert error={me.error} retry={() => me.refetch()} />
      </Container>
    );
  if (!me.data) return <SignIn title={t(`signIn.${entry}Title`)} text={t(`signIn.${entry}Text`)} />;
  if (me.data.kind !== entry) return <WrongDoor entry={entry} person={me.data} />;
  return children(me.data);
}

/** A driver in the operators' office, or the other way round. */
function WrongDoor({ entry, person }: { entry: Entry; person: Person }) {
  const { t } = useTranslation();
  const signOut = useSignOut();
  const there = entry === "operator" ? "/driver/" : "/";
  return (
    <Container component="main" size={420} py={96}>
      <Stack>
        <Text>{t(`signIn.${entry}Wrong`, { name: person.name || person.email })}</Text>
        <Anchor href={there}>{t(`signIn.${entry}There`)}</Anchor>
        <Anchor component="button" type="button" ta="start" onClick={() => signOut.mutate()}>
          {t("user.signOut")}
        </Anchor>
      </Stack>
    </Container>
  );
}

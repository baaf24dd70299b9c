// Who is signed in, and how one signs in and out.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, ask, setCsrfToken } from "./client";
import { asProblem } from "./problem";
import type { Person, SignedIn } from "./types";

export const ME = ["me"] as const;

async function whoAmI(): Promise<Person | null> {
  try {
    return remember(await ask(api.GET("/api/auth/me")));
  } catch (error) {
    const problem = asProblem(error);
    if (problem.status === 401) return null;
    throw problem;
  }
}

function remember(signedIn: SignedIn): Person {
  setCsrfToken(signedIn.csrfToken);
  return signedIn.person;
}

export function useMe() {
  return useQuery({ queryKey: ME, queryFn: whoAmI, staleTime: Number.POSITIVE_INFINITY });
}

export function useSignIn() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: { email: string; password: string }) => ask(api.POST("/api/auth/login", { body })),
    onSuccess: (signedIn) => queries.setQueryData(ME, remember(signedIn)),
  });
}

export function useSignOut() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => ask(api.POST("/api/auth/logout")),
    onSettled: () => {
      setCsrfToken("");
      queries.setQueryData(ME, null);
      queries.removeQueries({ predicate: (query) => query.queryKey[0] !== ME[0] });
    },
  });
}

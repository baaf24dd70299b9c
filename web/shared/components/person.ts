// The one who is signed in.
import { createContext, useContext } from "react";
import type { Person } from "../api/types";

export const PersonContext = createContext<Person | null>(null);

export function usePerson(): Person {
  const person = useContext(PersonContext);
  if (!person) throw new Error("Nobody is signed in here");
  return person;
}

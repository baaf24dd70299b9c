// The door of both applications.
import { Button, Container, PasswordInput, Stack, Text, TextInput, Title } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { useSignIn } from "../api/session";
import { Mark } from "./Mark";
import { ProblemAlert } from "./ProblemAlert";

export function SignIn({ title, text }: { title: string; text: string }) {
  const { t } = useTranslation();
  const signIn = useSignIn();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    signIn.mutate({ email: email.trim(), password });
  };
  return (
    <Container component="main" size={400} px="md" py={{ base: 48, sm: 96 }}>
      <Stack gap="xl">
        <Mark />
        <div>
          <Title order={1}>{title}</Title>
          <Text c="dimmed" mt={4}>
            {text}
          </Text>
        </div>
        <form onSubmit={submit}>
          <Stack>
            <TextInput
              label={t("signIn.email")}
              type="email"
              autoComplete="username"
              required
              withAsterisk={false}
              autoFocus
              size="md"
              value={email}
              onChange={(event) => setEmail(event.currentTarget.value)}
              data-testid="signin-email"
            />
            <PasswordInput
              label={t("signIn.password")}
              autoComplete="current-password"
              required
              withAsterisk={false}
              size="md"
              value={password}
              onChange={(event) => setPassword(event.currentTarget.value)}
              data-testid="signin-password"
            />
            {signIn.error && <ProblemAlert error={signIn.error} />}
            <Button type="submit" size="md" loading={signIn.isPending} data-testid="signin-submit">
              {t("signIn.submit")}
            </Button>
          </Stack>
        </form>
      </Stack>
    </Container>
  );
}

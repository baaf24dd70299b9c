// What went wrong, what to do, and the number to quote.
import { Alert, Button, Group, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { asProblem } from "../api/problem";
import { CopyId } from "./CopyId";
import { Alert as Sign } from "./icons";

// Dimmed text cannot be read on a tinted ground.
const READABLE = { "--mantine-color-dimmed": "var(--mantine-color-text)" };

export function ProblemAlert({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useTranslation();
  const problem = asProblem(error);
  const words = t(`problem.${problem.code}`, problem.message);
  return (
    <Alert
      color="red"
      variant="light"
      icon={<Sign size={18} />}
      title={words}
      role="alert"
      style={READABLE}
      data-code={problem.code}
    >
      {problem.hint && <Text size="sm">{problem.hint}</Text>}
      <Group gap="xs" mt={problem.hint || retry ? 6 : 0}>
        {retry && (
          <Button size="compact-sm" variant="default" onClick={retry}>
            {t("again")}
          </Button>
        )}
        <Text size="xs" c="dimmed">
          {problem.code}
        </Text>
        {problem.requestId && <CopyId id={problem.requestId} label={t("problem.requestId")} />}
      </Group>
    </Alert>
  );
}

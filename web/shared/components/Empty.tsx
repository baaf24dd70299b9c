// Nothing here: and what to do next.
import { Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";

export function Empty({ title, text, children }: { title: string; text?: string; children?: ReactNode }) {
  return (
    <Stack align="center" gap={6} py={48} px="md" ta="center">
      <Text fw={600}>{title}</Text>
      {text && (
        <Text size="sm" c="dimmed" maw={440}>
          {text}
        </Text>
      )}
      {children}
    </Stack>
  );
}

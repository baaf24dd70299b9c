// The head of a page.
import { Group, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";

export function PageTitle({ title, text, children }: { title: string; text?: string; children?: ReactNode }) {
  return (
    <Group justify="space-between" align="flex-end" mb="md" gap="sm">
      <div>
        <Title order={1}>{title}</Title>
        {text && (
          <Text size="sm" c="dimmed" mt={2}>
            {text}
          </Text>
        )}
      </div>
      {children}
    </Group>
  );
}

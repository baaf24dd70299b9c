// Our sign.
import { Group, Text } from "@mantine/core";

export function Mark({ size = 28 }: { size?: number }) {
  return (
    <Group gap={10} wrap="nowrap">
      <svg viewBox="0 0 32 32" width={size} height={size} aria-hidden="true" focusable="false">
        <rect width="32" height="32" rx="8" fill="#087f5b" />
        <path d="M17.5 5 9 18h6l-1.5 9L23 13.5h-6.5L17.5 5Z" fill="#fff" />
      </svg>
      <Text fw={700} size="lg" lts={-0.2}>
        Stationmaster
      </Text>
    </Group>
  );
}

// The look, and the few colours that must be darker than Mantine's own to be readable (WCAG 2.2 AA).
import { type CSSVariablesResolver, createTheme } from "@mantine/core";

export const theme = createTheme({
  primaryColor: "teal",
  primaryShade: { light: 9, dark: 9 },
  autoContrast: true,
  defaultRadius: "md",
  cursorType: "pointer",
  fontFamily:
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Helvetica Neue', Arial, sans-serif",
  fontFamilyMonospace: "ui-monospace, SFMono-Regular, 'JetBrains Mono', Menlo, Consolas, monospace",
  headings: { fontWeight: "650", sizes: { h1: { fontSize: "1.5rem" }, h2: { fontSize: "1.15rem" } } },
  components: {
    Modal: {
      styles: { title: { fontWeight: 650 } },
      defaultProps: { centered: true, overlayProps: { backgroundOpacity: 0.45 } },
    },
    Tooltip: { defaultProps: { withArrow: true, openDelay: 250 } },
    Loader: { defaultProps: { type: "dots" } },
  },
});

const LIGHT_TEXT = {
  teal: "#06583f",
  blue: "#14508a",
  red: "#a51111",
  yellow: "#6b4a00",
  cyan: "#0b5563",
  gray: "#3b4248",
};
const DARK_TEXT = {
  teal: "#63e6be",
  blue: "#91c9ff",
  red: "#ffb0b0",
  yellow: "#ffe08a",
  cyan: "#8fe4f0",
  gray: "#ced4da",
};

function lightVariant(colors: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(colors).map(([name, text]) => [`--mantine-color-${name}-light-color`, text]),
  );
}

export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    ...lightVariant(LIGHT_TEXT),
    "--mantine-color-dimmed": "#545c64",
    "--mantine-color-placeholder": "#6b737b",
    "--mantine-color-error": "#c01c1c",
    "--sm-page": "#f6f7f8",
    "--sm-surface": "#ffffff",
    "--sm-line": "#e3e6e9",
    "--sm-accent": "#087f5b",
    "--sm-in": "#0b7a3b",
    "--sm-out": "#1864ab",
  },
  dark: {
    ...lightVariant(DARK_TEXT),
    "--mantine-color-dimmed": "#a8b0b8",
    "--mantine-color-placeholder": "#9098a0",
    "--mantine-color-error": "#ff9b9b",
    "--mantine-color-anchor": "#63e6be",
    "--mantine-color-gray-light": "#2d3338",
    "--sm-page": "#15181b",
    "--sm-surface": "#1d2125",
    "--sm-line": "#31363c",
    "--sm-accent": "#38d9a9",
    "--sm-in": "#69db7c",
    "--sm-out": "#74c0fc",
  },
});

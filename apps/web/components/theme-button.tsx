import { Monitor, Moon, Sun } from "lucide-react";
import { useTheme } from "next-themes";
import { IconButton } from "./icon-button.tsx";

const NEXT = { system: "light", light: "dark", dark: "system" } as const;
const ICON = { system: Monitor, light: Sun, dark: Moon } as const;

export function ThemeButton() {
  const { theme, setTheme } = useTheme();
  const current = theme === "light" || theme === "dark" ? theme : "system";
  const Icon = ICON[current];
  return (
    <IconButton label={`Theme: ${current}`} onClick={() => setTheme(NEXT[current])}>
      <Icon aria-hidden="true" className="size-4" />
    </IconButton>
  );
}

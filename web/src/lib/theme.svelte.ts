// The theme of the page: that of the system, or the one that was chosen on this machine.
export type Theme = 'system' | 'light' | 'dark';

const KEY = 'mlg-theme';
const THEMES: readonly Theme[] = ['system', 'light', 'dark'];

export const theme = $state<{ chosen: Theme }>({ chosen: stored() });

function stored(): Theme {
  const found = localStorage.getItem(KEY);
  return THEMES.find((each) => each === found) ?? 'system';
}

/** Write the theme to the root element, where the style sheet reads it. */
export function applyTheme(): void {
  if (theme.chosen === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.chosen;
}

/** Choose the next theme and keep it on this machine. */
export function nextTheme(): void {
  theme.chosen = THEMES[(THEMES.indexOf(theme.chosen) + 1) % THEMES.length] ?? 'system';
  localStorage.setItem(KEY, theme.chosen);
  applyTheme();
}

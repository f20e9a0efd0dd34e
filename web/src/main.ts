// Starts the explorer: theme, caller, then the page of the address.
import { mount } from 'svelte';
import App from './App.svelte';
import './app.css';
import { start } from './lib/session.svelte.ts';
import { applyTheme } from './lib/theme.svelte.ts';

applyTheme();
mount(App, { target: document.getElementById('app') as HTMLElement });
void start();

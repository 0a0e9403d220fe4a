import { mount } from 'svelte';
import { start } from '../lib/i18n/index.svelte';
import '../styles/base.css';
import App from './App.svelte';

const target = document.getElementById('app');
if (!target) throw new Error('#app is missing');
void start('docs').then(() => mount(App, { target }));

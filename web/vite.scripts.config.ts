import { defineConfig } from 'vite';

// Files that a page takes by a fixed name: what it runs before all else (`--mode boot.desk`), the widget's loader, a classic
// script as well, and the module that the loader fetches for who needs more (`--mode more`).
const boot = (page: string) => ({ outDir: 'dist', lib: { entry: `src/boot/${page}.ts`, formats: ['iife' as const], name: 'tehprofBoot', fileName: () => `boot.${page}.js` } });
const files = {
  'boot.desk': boot('desk'),
  'boot.portal': boot('portal'),
  'boot.docs': boot('docs'),
  loader: { outDir: 'dist/widget', lib: { entry: 'src/widget/loader.ts', formats: ['iife' as const], name: 'tehprofWidget', fileName: () => 'loader.js' } },
  more: { outDir: 'dist/widget', lib: { entry: 'src/widget/more.ts', formats: ['es' as const], fileName: () => 'more.js' } },
};

export default defineConfig(({ mode }) => {
  const file = Object.entries(files).find(([name]) => name === mode)?.[1];
  if (!file) throw new Error(`no file is called ${mode}`);
  return {
    publicDir: false,
    build: { target: ['chrome109', 'firefox115', 'safari16'], emptyOutDir: false, reportCompressedSize: false, ...file },
  };
});

/** Files out of the figures: reports that the server makes, and a chart as a picture. */
import { ApiError, type In } from '../../lib/api';

type Report = 'report_tickets' | 'report_operators';

/** Hands a file to the browser's downloads. */
function save(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const link = Object.assign(document.createElement('a'), { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Fetches a report as a file and saves it. */
export async function saveReport(report: Report, days: number, format: 'csv' | 'xlsx', name: string): Promise<void> {
  const fields: In<'admin', Report> = { days, format };
  const response = await fetch(new URL(`api/admin.php/${report}`, document.baseURI), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Accept-Language': document.documentElement.lang },
    body: JSON.stringify(fields),
    credentials: 'same-origin',
  }).catch(() => { throw new ApiError('', 'network', 0); });
  if (!response.ok) {
    const { error = '', code = 'unknown', ...details } = (await response.json().catch(() => ({}))) as { error?: string; code?: string };
    throw new ApiError(error, code, response.status, details);
  }
  save(await response.blob(), `${name}.${format}`);
}

/** The properties of a chart that its style sheet gives it; the picture has to carry them itself. */
const painted = ['fill', 'stroke', 'stroke-width', 'opacity', 'font-size', 'font-family', 'font-weight', 'text-anchor'] as const;

/** Saves a chart as a picture, twice as fine as on the screen, on the colour it stands on. */
export async function savePicture(chart: SVGSVGElement, name: string): Promise<void> {
  const { width, height } = chart.getBoundingClientRect();
  const copy = chart.cloneNode(true) as SVGSVGElement;
  const originals = [chart, ...chart.querySelectorAll('*')];
  const copies = [copy, ...copy.querySelectorAll('*')];
  originals.forEach((from, at) => {
    const style = getComputedStyle(from);
    for (const property of painted) copies[at]?.setAttribute(property, style.getPropertyValue(property));
  });
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  copy.setAttribute('width', String(width));
  copy.setAttribute('height', String(height));
  const url = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(copy)], { type: 'image/svg+xml' }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = Object.assign(document.createElement('canvas'), { width: width * 2, height: height * 2 });
    const pen = canvas.getContext('2d');
    if (!pen) return;
    pen.fillStyle = getComputedStyle(chart.closest('.card') ?? document.body).backgroundColor;
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(image, 0, 0, canvas.width, canvas.height);
    const file = await new Promise<Blob | null>((resolve) => { canvas.toBlob(resolve, 'image/png'); });
    if (file) save(file, `${name}.png`);
  } finally {
    URL.revokeObjectURL(url);
  }
}

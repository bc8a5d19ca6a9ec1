// Where rows lie: SQL for points, and the way from degrees to the picture, whose width is 1000.
import { rowMeasureSql } from './measures.js';
import { name, rowColumn, whereRows } from './sql.js';

const width = 1000;
// With more different places than that, those that lie close together are one circle.
const mostPlaces = 1000;
const columns = 50;

function placed(data, picked, latitude, longitude) {
	const [north, east] = [latitude, longitude].map((one) => rowColumn(data, one));
	return `from ${data.source}.${name(data.table)}
where ${whereRows(data, picked)} and ${north} between -90 and 90 and ${east} between -180 and 180`;
}

/** How far the places go, how many rows have one, and about how many places there are. */
export function placesSql(data, picked, latitude, longitude) {
	const [north, east] = [latitude, longitude].map((one) => rowColumn(data, one));
	return `select
	min(${north}) as south, max(${north}) as north, min(${east}) as west, max(${east}) as east,
	count(*) as row_count,
	approx_count_distinct(cast(${north} as varchar) || ' ' || cast(${east} as varchar)) as places
${placed(data, picked, latitude, longitude)}`;
}

/** Rows of latitude, longitude, row_count, value and label: of each place, or of each of a grid. */
export function pointsSql(data, picked, latitude, longitude, measure, extent) {
	const [north, east] = [latitude, longitude].map((one) => rowColumn(data, one));
	const size = Math.max((extent.east - extent.west) / columns, 1e-9);
	const high = size * squeeze(extent);
	const isMany = extent.places > mostPlaces;
	const cell = (value, start, step) => `floor((${value} - ${start}) / ${step})`;
	const groups = isMany
		? [cell(north, extent.south, high), cell(east, extent.west, size)]
		: [north, east];
	const label = data.entity
		? `case when count(*) = 1 then max(cast(${rowColumn(data, data.entity)} as varchar)) end`
		: 'null';
	return `select
	avg(${north}) as latitude, avg(${east}) as longitude,
	count(*) as row_count, ${rowMeasureSql(data, measure)} as value, ${label} as label
${placed(data, picked, latitude, longitude)}
group by ${groups.join(', ')}
order by value desc nulls last, latitude, longitude`;
}

/** How much shorter a degree of longitude is than one of latitude; on a map of the world, not at all. */
function squeeze({ south, north, west, east }) {
	return east - west > 150 ? 1 : Math.max(Math.cos((((south + north) / 2) * Math.PI) / 180), 0.2);
}

/**
 * The window around an extent, and the way into it: { height, at(longitude, latitude) }. It is at
 * least a third and at most three quarters as high as wide, and has some room at its edges.
 */
export function windowOf(extent) {
	const isWorld = extent.east - extent.west > 150;
	const k = squeeze(extent);
	let [west, east] = isWorld ? [-180, 180] : [extent.west, extent.east];
	let [south, north] = isWorld
		? [Math.min(extent.south - 3, -58), Math.max(extent.north + 3, 80)]
		: [extent.south, extent.north];
	if (!isWorld) {
		const span = Math.max((east - west) * k, north - south, 0.02);
		const grow = (from, to, least) => {
			const more = Math.max(least - (to - from), 0) / 2 + span * 0.06;
			return [from - more, to + more];
		};
		[west, east] = grow(west, east, Math.max(((north - south) / 0.75) * (1 / k), 0.02 / k));
		[south, north] = grow(south, north, Math.max((east - west) * k * 0.33, 0.01));
	}
	const scale = width / (east - west);
	const height = Math.round(((north - south) / k) * scale);
	return {
		height,
		west,
		east,
		south,
		north,
		at: (longitude, latitude) => [(longitude - west) * scale, ((north - latitude) / k) * scale]
	};
}

/** The path of a polygon or several (GeoJSON) within a window; empty where it is outside. */
export function pathOf(geometry, view) {
	const polygons = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates;
	return polygons
		.filter(([outer]) => isWithin(outer, view))
		.flatMap((rings) => rings.flatMap(unrolled).map((ring) => line(ring, view)))
		.join('');
}

/** A ring that goes over the edge of the world, as one on either side of it; others as they are. */
function unrolled(ring) {
	const isCut = ring.some(([longitude], index) => index > 0 && Math.abs(longitude - ring[index - 1][0]) > 180);
	if (!isCut || ring.some(([, latitude]) => latitude < -85)) return [ring];
	let turns = 0;
	const whole = ring.map(([longitude, latitude], index) => {
		const jump = index > 0 ? longitude - ring[index - 1][0] : 0;
		if (Math.abs(jump) > 180) turns -= Math.sign(jump);
		return [longitude + 360 * turns, latitude];
	});
	return [-360, 0, 360].map((shift) => whole.map(([longitude, latitude]) => [longitude + shift, latitude]));
}

function isWithin(ring, view) {
	const box = boundsOf(ring);
	return box.west < view.east && box.east > view.west && box.south < view.north && box.north > view.south;
}

function boundsOf(ring) {
	const box = { west: 180, east: -180, south: 90, north: -90 };
	for (const [longitude, latitude] of ring) {
		box.west = Math.min(box.west, longitude);
		box.east = Math.max(box.east, longitude);
		box.south = Math.min(box.south, latitude);
		box.north = Math.max(box.north, latitude);
	}
	return box;
}

function line(ring, view) {
	// What lies far outside is drawn at the edge, since browsers draw huge pictures slowly.
	const clip = (value) => Math.max(-width, Math.min(2 * width, value));
	const points = ring.map(([longitude, latitude]) =>
		view
			.at(longitude, latitude)
			.map((value) => clip(value).toFixed(1))
			.join(' ')
	);
	return `M${points.join('L')}Z`;
}

/** The extent of the largest parts of some countries (GeoJSON), without islands far away. */
export function extentOfCountries(geometries) {
	const whole = { west: 180, east: -180, south: 90, north: -90 };
	for (const { type, coordinates } of geometries) {
		const boxes = (type === 'Polygon' ? [coordinates] : coordinates).map(([ring]) => boundsOf(ring));
		const size = (box) => (box.east - box.west) * (box.north - box.south);
		const box = boxes.reduce((one, other) => (size(other) > size(one) ? other : one));
		whole.west = Math.min(whole.west, box.west);
		whole.east = Math.max(whole.east, box.east);
		whole.south = Math.min(whole.south, box.south);
		whole.north = Math.max(whole.north, box.north);
	}
	return whole;
}

/**
 * How a measure is shown: `shade` from 0 to 1, `radius` in the picture, and `marks`, the values at the
 * beginning, the middle and the end of the shades. Amounts are shown by size as well, and by the root
 * of their size, since few are large.
 */
export function scaleOf(rows, measure) {
	const values = rows.map(({ value }) => value).filter((value) => Number.isFinite(value));
	const [from, to] = [Math.min(...values), Math.max(...values)];
	const isAmount = measure.aggregate !== 'average' && from >= 0;
	const way = (value) => (to > from ? (value - from) / (to - from) : 1);
	const middle = isAmount ? 0.25 : 0.5;
	return {
		shade: (value) => (isAmount ? Math.sqrt(way(value)) : way(value)),
		radius: (value) => (isAmount && to > 0 ? 3 + 13 * Math.sqrt(value / to) : 5),
		marks: to > from ? [from, from + (to - from) * middle, to] : values.slice(0, 1)
	};
}

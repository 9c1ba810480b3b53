// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What rows of halts and consoles cost a capture: frames of 100 bytes go through the timeline
 * (capture/timeline.h), which sorts, stamps and lays them out as blocks, in passes of 1000, as
 * the event loop makes them.
 *
 *	row-bench [FRAMES [ROUNDS]]
 *
 * For each way, the medians over the rounds, in which ways take turns: ns of each frame (with all
 * that came with it), ns and bytes of each row. Writing the file, which is not in it, costs
 * by the byte. Build with -Dbuildtype=release for figures to believe.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "capture/timeline.h"
#include "topology/drive.h"
#include "util/string.h"

#define PASS       1000u
#define ROUNDS_MAX 101u

struct way {
	const char *name;
	unsigned halts; /* frames for each halt; 0: none */
	unsigned lines; /* frames for each line of a console; 0: none */
	bool wall;
	double ns[ROUNDS_MAX]; /* of a frame */
	uint64_t rows, bytes;
};

static struct way ways[] = {
	{.name = "frames alone, wall clock", .wall = true},
	{.name = "frames alone"},
	{.name = "a halt each 1000 frames", .halts = 1000},
	{.name = "a halt each 100 frames", .halts = 100},
	{.name = "a line each 100 frames", .lines = 100},
	{.name = "a line each 10 frames", .lines = 10},
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static void add_halt(struct timeline *timeline, uint64_t stamp)
{
	struct halt_place place = {"server", "tcp_v4_rcv", "net/ipv4/tcp_ipv4.c", 1955,
				   2};

	timeline_halt(timeline, "server", "", stamp, stamp);
	halt_rows_tell(&timeline->rows, &place, stamp);
	timeline_resume(timeline, stamp + 500);
}

static void add_line(struct timeline *timeline, uint64_t stamp)
{
	timeline_add_line(timeline,
			  &(struct row){
				  .interface = 2,
				  .stamp = stamp,
				  .priority = ROW_KERNEL + 6,
				  .text = "[    1.234567] e1000 0000:00:02.0 eth0: "
					  "NIC Link is Up 1000 Mbps",
			  });
}

static void add_frame(struct timeline *timeline, const struct way *way, uint64_t i)
{
	static const uint8_t data[100];
	uint64_t stamp = (i + 1) * 1000;

	hold_add(&timeline->hold, &(struct pcapng_frame){.stamp = stamp,
							 .data = data,
							 .captured = sizeof(data),
							 .length = sizeof(data)});
	if (way->halts && i % way->halts == 0)
		add_halt(timeline, stamp);
	if (way->lines && i % way->lines == 0)
		add_line(timeline, stamp);
}

static double run(struct way *way, uint64_t frames)
{
	struct timeline timeline = {.links = 1, .halts = 1, .wall = way->wall};
	_cleanup_buffer_ struct buffer out = {0};
	uint64_t begun = now_ns(), elapsed;

	way->bytes = 0;
	for (uint64_t i = 0; i < frames; i++) {
		add_frame(&timeline, way, i);
		if (i % PASS != PASS - 1 && i != frames - 1)
			continue;
		timeline_release(&timeline, i == frames - 1 ? UINT64_MAX : (i + 1) * 1000,
				 UINT64_MAX, &out);
		way->bytes += out.size;
		buffer_clear(&out);
	}
	elapsed = now_ns() - begun;
	way->rows = timeline.packets - timeline.frames;
	timeline_deinit(&timeline);
	return (double)elapsed / frames;
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double median(struct way *way, unsigned rounds)
{
	qsort(way->ns, rounds, sizeof(way->ns[0]), compare);
	return way->ns[rounds / 2];
}

static void print(struct way *way, uint64_t frames, unsigned rounds)
{
	double alone = median(&ways[1], rounds), ns = median(way, rounds);

	printf("%-26s %6.0f ns a frame", way->name, ns);
	if (way->rows)
		printf(", %6.0f ns and %3.0f bytes a row",
		       (ns - alone) * frames / way->rows,
		       (double)(way->bytes - ways[1].bytes) / way->rows);
	printf("\n");
}

static struct error *read_words(int argc, char **argv, uint64_t *frames, uint64_t *rounds)
{
	if (argc > 1)
		try(error_prefix(count_parse(argv[1], 1, 1000000000, frames), "FRAMES"));
	if (argc > 2)
		try(error_prefix(count_parse(argv[2], 1, ROUNDS_MAX, rounds), "ROUNDS"));
	return NULL;
}

int main(int argc, char **argv)
{
	uint64_t frames = 1000000, rounds = 11;
	_cleanup_error_ struct error *error = read_words(argc, argv, &frames, &rounds);

	if (error) {
		fprintf(stderr, "row-bench: %s\n", error->message);
		return 2;
	}
	for (uint64_t round = 0; round < rounds; round++)
		for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
			ways[i].ns[round] = run(&ways[i], frames);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		print(&ways[i], frames, rounds);
	return 0;
}

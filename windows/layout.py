"""Where things lie: the columns of the tables and the words of the records that planner, kernels and store share.

A *chain* links the events of one key (of one or several id columns, for one filter) in event time. A *slot* is the
record of one live key of one chain, in 8-byte words:

    key | last row, spare (2 cells) | now_ms | window blocks ... | members ...

Chains without windows and members stop after `last row`. A *member* is a value in the tree by which a window finds the
most frequent one, and lies in the slot of key and value together:

    count in the window | left, right (2 cells) | size, spare (2 cells)

A *window block* holds a window's cursors and running aggregates:

    tail row, lead row (2 cells) | count | accumulators ...

`tail` is the oldest row in the window and `lead` the oldest row that has not entered it yet; they are equal where the
window is empty. A *row* is one event in the log:

    timestamp_ms | values ... | filters | cells: (previous, next, slot) of each chain, (previous, next) of each deque,
    (left, right, size) of each ordered tree

`filters` is there only where a sequence reads it.

Cells are 4-byte integers, two to a word; a row or a slot that is not there is NONE.
"""

NONE = -1
"""No row, no slot: the event has no key here."""

NO_ROWS = -1
"""Two cells of NONE, as one word: the ends of an empty deque."""

UNSEEN = -2
"""The event has a key here, but nothing of it is in the log."""

FOREIGN = -3
"""Another shard has the windows of this key. Where the chain is linked here all the same, FOREIGN less the slot."""

NULL = -(2**63)
"""No value, in an int64 column of input or output."""

LONG_AGO = -(2**62)
"""The time of a slot that has seen nothing."""

# Columns of the chain table; an event enters that passes one of the filters whose bits CHAIN_FILTERS has; CHAIN_KEYS is
# the first of KEYS_MAX id columns, NONE where unused.
CHAIN_FILTERS, CHAIN_CELL, CHAIN_WORDS, CHAIN_WINDOWS, CHAIN_WINDOWS_END, CHAIN_SEED, CHAIN_KEYS = range(7)
KEYS_MAX = 4
CHAIN_COLUMNS = CHAIN_KEYS + KEYS_MAX

# Columns of the window table; WINDOW_WORD is the block's place in the slot. The last of a window's accumulators, from
# WINDOW_STRUCTURES on, are structures that hold its rows: deques of extremes and ordered trees.
(
    WINDOW_OVER,
    WINDOW_DELAY,
    WINDOW_WORD,
    WINDOW_WORDS,
    WINDOW_ACCUMULATORS,
    WINDOW_STRUCTURES,
    WINDOW_ACCUMULATORS_END,
    WINDOW_OUTPUTS,
    WINDOW_OUTPUTS_END,
) = range(9)
WINDOW_COLUMNS = 9

# Columns of the accumulator table: what it sums up, of which value column (or pair chain's cell), in which word of the
# block; a structure has its cell in the row, and TOP
# its word in the slot of each pair.
ACCUMULATOR_KIND, ACCUMULATOR_OF, ACCUMULATOR_WORD, ACCUMULATOR_CELL = range(4)
ACCUMULATOR_COLUMNS = 4
COUNT_OF, SUM, SQUARES, DISTINCT, MINIMUM, MAXIMUM, ORDER, TOP = range(8)

# Columns of the output table: which feature row it fills, how, from which words of the block or which value column. The
# kinds from OUT_LAST_VALUE to OUT_SPEED look at the event before; those from OUT_DISTANCE on are floats.
OUTPUT_FEATURE, OUTPUT_KIND, OUTPUT_FIRST, OUTPUT_SECOND, OUTPUT_THIRD, OUTPUT_FOURTH, OUTPUT_FIFTH = range(7)
OUTPUT_COLUMNS = 7
(
    OUT_WORD,
    OUT_EXTREME,
    OUT_FIRST_VALUE,
    OUT_FIRST_ROW,
    OUT_AGE,
    OUT_LAST_VALUE,
    OUT_LAST_ROW,
    OUT_GAP,
    OUT_IS_NEW,
    OUT_SEQUENCE,
    OUT_DISTANCE,
    OUT_SPEED,
    OUT_MEAN,
    OUT_STD,
    OUT_ZSCORE,
    OUT_RATE,
    OUT_PERCENTILE,
    OUT_TOP_SHARE,
) = range(18)

STEP_BITS = 6
"""A sequence's steps are in one word, the last first: of each the number of its filter, counted from 1."""

STEPS_MAX = 10

# Words of a slot and of a window block.
SLOT_KEY, SLOT_LAST, SLOT_NOW, SLOT_WINDOWS = range(4)
BLOCK_CURSORS, BLOCK_COUNT, BLOCK_ACCUMULATORS = range(3)

# Cells of a chain in a row.
PREVIOUS, NEXT, SLOT = range(3)
CHAIN_CELLS = 3
DEQUE_CELLS = 2
TREE_CELLS = 3

# Words of a member in a slot.
MEMBER_COUNT, MEMBER_CELLS = range(2)
MEMBER_WORDS = MEMBER_CELLS + 2

# Words of the arena's register: the next unused word; live slots, as many as the table's used entries; which shard of
# how many this is.
ARENA_TOP, ARENA_SLOTS, ARENA_SHARD, ARENA_SHARDS = range(4)
ARENA_REGISTER = 4

# Bits of an event's flags in a chain, while it is found out what this shard does there.
OWNED, READ = 1, 2

# Rows of the arena's free list, with a column for each chain: its first unused slot or 0, and how many there are.
FREE_FIRST, FREE_COUNT = range(2)
FREE_ROWS = 2

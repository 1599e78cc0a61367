/* mm/pagecache.h - the pages of files: in memory once, whoever reads, writes or maps them.
 * Below: radix, buddy, kmap.  Above: space and fault (mappings), fs (read and write).
 *
 * A page cache is what mm/ knows of a file.  Its pages are frames of two kinds:
 *   PAGE_FILE   equal to what `source` has: may be dropped at any time and read again ("Cached");
 *   PAGE_SHMEM  the only copy: written to, or of a file without a source (tmpfs, shared memory).
 * Each page in the cache counts one reference; each page-table entry and each user of
 * pagecache_page() another one.
 * Lock: "page cache", taken inside.  No function sleeps. */
#pragma once

#include "mm/page.h"
#include "mm/radix.h"
#include "mm/user_frame.h"

struct page_cache;

/* What `maps` says of a mapped file. */
struct page_cache_name {
    uint32_t device, inode;
    char path[64]; /* "/bin/hello", "/tmp/x (deleted)", "/dev/zero (deleted)" */
};

struct page_cache_ops {
    /* The last reference is gone, and with it all pages. */
    void (*release)(struct page_cache *cache);
    void (*get_name)(const struct page_cache *cache, struct page_cache_name *name);
};

struct page_cache {
    struct radix_tree pages; /* index -> struct page */
    uint32_t npages;
    uint64_t size;         /* of the file in bytes; a fault on a page beyond gets SIGBUS */
    const uint8_t *source; /* its first contents (memory that stays); NULL: zeros */
    uint32_t source_bytes; /* zeros behind */
    uint32_t refs;         /* the file, and each range that maps it */
    bool limited;          /* of a file system: see pagecache_is_full(); set after the setup */
    const struct page_cache_ops *ops;
    struct list_node node; /* all caches, for reclaim and statistics */
};

void pagecache_init(void);

/* A cache with one reference, the file's own.  It is a member of the caller's structure. */
void pagecache_setup(struct page_cache *cache, const struct page_cache_ops *ops,
                     const uint8_t *source, uint32_t source_bytes);

/* Anonymous memory that processes share: a cache of its own, with one reference; NULL: no memory. */
struct page_cache *pagecache_create_shared(uint64_t size);

struct page_cache *pagecache_get(struct page_cache *cache);
/* The last one takes all pages away and calls ops->release. */
void pagecache_put(struct page_cache *cache);

/* The page with this index, read from the source or zeroed if it was not in memory, with a
 * reference for the caller (pagecache_put_page() gives it back).  Does not look at `size`.  NULL: no
 * memory, or the cache is full. */
struct page *pagecache_page(struct page_cache *cache, uint32_t index);

/* The same only if it is in memory, else NULL. */
struct page *pagecache_find(struct page_cache *cache, uint32_t index);

/* Give back the reference of pagecache_page() or pagecache_find(); for callers without a lock (with
 * interrupts off, user_frame_put() does). */
void pagecache_put_page(struct page *page);

/* Put a frame of the caller's (user_frame_alloc(PAGE_SHMEM), filled) in as the page with this index;
 * the caller keeps its reference, the cache takes one of its own.  0, -EEXIST, -ENOMEM, -ENOSPC. */
int pagecache_add(struct page_cache *cache, uint32_t index, struct page *page);

/* Does the first contents have bytes in this page?  If not, and it is not in memory, it is a hole:
 * zeros that need no frame to be read. */
bool pagecache_is_hole(const struct page_cache *cache, uint32_t index);

/* The only copies of what files hold stay when programs end, so ending one would not give them back.
 * Therefore all `limited` caches together get new PAGE_SHMEM pages up to half of memory only, as
 * Linux's tmpfs.  Is that reached, and would it refuse this cache? */
bool pagecache_is_full(const struct page_cache *cache);

/* The page is about to be written to: it is no longer what the source has.  Call it before the
 * first byte changes (a file's write, the first write fault on a shared mapping). */
void pagecache_mark_dirty(struct page *page);

/* Set the file's size.  Smaller: pages beyond are dropped, from all address spaces too, and the rest
 * of the last page is zeroed. */
void pagecache_resize(struct page_cache *cache, uint64_t size);

/* The file has at least `size` bytes: a write ended there.  Never makes it smaller. */
void pagecache_grow(struct page_cache *cache, uint64_t size);

/* Make the file `nbytes` longer, at once, and return where they start: two writers that append get
 * different places.  The new bytes are a hole. */
uint64_t pagecache_reserve(struct page_cache *cache, uint32_t nbytes);

/* Drop up to `npages` PAGE_FILE pages that nobody but the cache refers to and whose frame number is
 * below `below`, oldest scan position first (a clock hand over all caches).  Returns how many.  Any
 * context: returns 0 if the lock is held. */
uint32_t pagecache_reclaim(uint32_t npages, pfn_t below);

/* For migration: `page`, a frame with the same bytes and as many references as `old`, takes its place in
 * the cache.  Interrupts off, not locked (pagecache_is_locked). */
void pagecache_replace(struct page *old, struct page *page);
bool pagecache_is_locked(void);

/* Tree nodes that reclaim has emptied are kept, for it may run inside the allocation of one; give them
 * back.  Not for use inside an allocation. */
void pagecache_trim(void);

struct pagecache_stats {
    uint32_t caches;
    uint32_t file_pages, shmem_pages; /* in caches now */
    uint32_t limited_pages, limit;    /* shmem_pages of limited caches, and how many may be */
    uint64_t hits, fills,
        dropped; /* found in memory; read from a source or zeroed; reclaimed */
};
void pagecache_get_stats(struct pagecache_stats *stats);

/* For the shell's `pagecache`: the index-th cache that has pages; false past the last. */
struct pagecache_info {
    struct page_cache_name name;
    uint64_t size;
    uint32_t file_pages, shmem_pages, mapped_pages, refs;
};
bool pagecache_get_info(unsigned index, struct pagecache_info *info);

/* Every page belongs to its cache, has its kind and at least one reference; counts right. */
bool pagecache_check(void);

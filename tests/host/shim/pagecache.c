/* tests/host/shim/pagecache.c - in the place of mm/pagecache.c where files are only referred to: the
 * references are counted. */
#include "mm/pagecache.h"
#include "host.h"

struct page_cache *pagecache_get(struct page_cache *cache)
{
    cache->refs++;
    return cache;
}

void pagecache_put(struct page_cache *cache)
{
    CHECK(cache->refs > 0);
    cache->refs--;
}

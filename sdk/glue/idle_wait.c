// SPDX-License-Identifier: MIT
// idle_wait.c - arm, look once more, halt, disarm.
#include "sdk/glue/idle_wait.h"

#include "core/irq.h"
#include "exo/bits.h"
#include "sdk/glue/local.h"

void idle_add(struct idle_source *source)
{
    list_push_back(&local_self()->sources, &source->link);
}

void idle_remove(struct idle_source *source)
{
    list_remove(&source->link);
}

static struct idle_source *source_of(struct list *node)
{
    return EXO_CONTAINER(node, struct idle_source, link);
}

// Arming is also the way to ask: its answer is exact.
void idle_poll(void)
{
    const struct list *sources = &local_self()->sources;
    for (struct list *at = sources->next; at != sources; at = at->next) {
        struct idle_source *source = source_of(at);
        source->disarm(source->ctx, source->arm(source->ctx));
    }
}

// Sources behind one that has something need not be armed: there will be no halt.
void idle_wait(exo_ns deadline)
{
    const struct list *sources = &local_self()->sources;
    struct list *armed = sources->next;
    bool arrived = false;
    while (armed != sources && !arrived) {
        arrived = source_of(armed)->arm(source_of(armed)->ctx);
        armed = armed->next;
    }
    if (!arrived)
        core_irq_wait(deadline);
    for (struct list *at = sources->next; at != armed; at = at->next) {
        bool last = at->next == armed;
        source_of(at)->disarm(source_of(at)->ctx, arrived && last);
    }
}

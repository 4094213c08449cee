// SPDX-License-Identifier: MIT
// main.c - shares NIC 0 between a netstack and a loop of our own.
#include "examples/shared_nic/shared_nic.h"

#include "sdk/glue/run.h"

#include <stdio.h>
#include <stdlib.h>

#define OWNERS 2u

static void require(int error, const char *what)
{
    if (error == 0)
        return;
    fprintf(stderr, "shared_nic: %s: error %d\n", what, -error);
    exit(EXIT_FAILURE);
}

// The netstack has what nobody else claims, and so finds us an address; the echo then claims
// its one port there.
static void app_task(void *arg)
{
    struct app *app = arg;
    require(nic_share_open(0, 0, OWNERS, "shared_nic", &app->share), "no NIC");
    require(nic_share_face(app->share, NULL, "net", &app->rest), "no face for the netstack");
    require(net_task_start_on(app->rest, NULL, &app->net), "no netstack");
    net_task_wait_address(app->net, EXO_NS_NEVER);

    struct ip4 addr = net_addr(net_task_net(app->net)).addr;
    require(echo_start(&app->echo, app->share, addr), "no echo");
    printf("shared_nic: http://%u.%u.%u.%u:%u/ by the netstack, UDP port %u by a loop of its own\n",
           addr.b[0], addr.b[1], addr.b[2], addr.b[3], PAGE_PORT, ECHO_PORT);
    require(page_serve(app), "no page");
}

int main(void)
{
    static struct app app;
    return run_main("shared_nic", app_task, &app);
}

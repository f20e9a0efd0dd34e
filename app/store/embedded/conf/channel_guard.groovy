// The guard of the store's port. `init.groovy` compiles this text into the package of Gremlin Server, which creates the
// channelizer by its name. Requests are checked before their body is read, so nothing is parsed or evaluated before.
package org.apache.tinkerpop.gremlin.server.channel

import groovy.transform.CompileStatic
import io.netty.channel.Channel
import io.netty.channel.ChannelFutureListener
import io.netty.channel.ChannelHandlerContext
import io.netty.channel.ChannelInboundHandlerAdapter
import io.netty.channel.ChannelPipeline
import io.netty.handler.codec.http.DefaultFullHttpResponse
import io.netty.handler.codec.http.HttpHeaderNames
import io.netty.handler.codec.http.HttpRequest
import io.netty.handler.codec.http.HttpResponseStatus
import io.netty.handler.codec.http.HttpVersion
import io.netty.handler.codec.http.LastHttpContent
import io.netty.util.ReferenceCountUtil
import io.netty.util.concurrent.ScheduledFuture
import java.nio.charset.StandardCharsets
import java.security.MessageDigest
import java.util.concurrent.TimeUnit

/** Open connections of all event loops, the oldest first; above the limit, the oldest one is closed for a new one. */
@CompileStatic
class LimitedConnections {
    private final Set<Channel> channels = new LinkedHashSet<>()
    private final int limit

    LimitedConnections(int limit) {
        this.limit = limit
    }

    /** The oldest one is closed outside the lock, because that calls its handlers. */
    void add(Channel channel) {
        Channel oldest = null
        synchronized (channels) {
            channels.add(channel)
            if (channels.size() > limit) {
                oldest = channels.iterator().next()
                channels.remove(oldest)
            }
        }
        oldest?.close()
    }

    boolean remove(Channel channel) {
        synchronized (channels) {
            return channels.remove(channel)
        }
    }
}

/**
 * A connection before its first permitted request. Without a limit, strangers could take all descriptors of this JVM. The
 * client of the store sends a request at once. A connection is young until the time for that is over: of a flood of new
 * connections, more than those that wait longer may be kept, because the one of the client is among them.
 */
@CompileStatic
class UnprovenConnection {
    private static final LimitedConnections YOUNG = new LimitedConnections(2048)
    private static final LimitedConnections WAITING = new LimitedConnections(64)
    private static final int YOUNG_MILLISECONDS = 100
    private static final int WAITING_MILLISECONDS = 10_000
    private final Channel channel
    private ScheduledFuture<?> next

    UnprovenConnection(Channel channel) {
        this.channel = channel
        next = later(YOUNG_MILLISECONDS) { waitLonger() }
        YOUNG.add(channel)
    }

    /** Return false if a limit has removed the connection: it is closed, or another thread is closing it. */
    boolean leave() {
        next.cancel(false)
        return YOUNG.remove(channel) || WAITING.remove(channel)
    }

    private void waitLonger() {
        if (YOUNG.remove(channel)) {
            next = later(WAITING_MILLISECONDS) { if (WAITING.remove(channel)) channel.close() }
            WAITING.add(channel)
        }
    }

    private ScheduledFuture<?> later(int milliseconds, Runnable action) {
        return channel.eventLoop().schedule(action, milliseconds, TimeUnit.MILLISECONDS)
    }
}

/** Passes the requests of this store's client on, and answers every other request; one instance per connection. */
@CompileStatic
class RequestGuard extends ChannelInboundHandlerAdapter {
    /** The only permitted value of `Authorization`; null until the start has set it, and then nothing is permitted. */
    static volatile byte[] authorization
    private HttpResponseStatus refusal = HttpResponseStatus.UNAUTHORIZED
    private boolean refused
    private UnprovenConnection unproven

    @Override
    void channelActive(ChannelHandlerContext context) {
        unproven = new UnprovenConnection(context.channel())
        context.fireChannelActive()
    }

    @Override
    void channelInactive(ChannelHandlerContext context) {
        unproven?.leave()
        context.fireChannelInactive()
    }

    @Override
    void channelRead(ChannelHandlerContext context, Object message) {
        if (message instanceof HttpRequest && !refused) {
            refusal = refusalOf((HttpRequest) message) ?: refusalOfClosed()
            refused = refusal != null
        }
        if (refusal == null) {
            context.fireChannelRead(message)
            return
        }
        ReferenceCountUtil.release(message)
        if (message instanceof LastHttpContent) {
            DefaultFullHttpResponse response = new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, refusal)
            response.headers().set(HttpHeaderNames.CONTENT_LENGTH, 0).set(HttpHeaderNames.CONNECTION, 'close')
            context.writeAndFlush(response).addListener(ChannelFutureListener.CLOSE)
        }
    }

    /** The first permitted request frees the connection from the limits. On one that is being closed, nothing is evaluated. */
    private HttpResponseStatus refusalOfClosed() {
        boolean kept = unproven == null || unproven.leave()
        if (kept) unproven = null
        return kept ? null : HttpResponseStatus.SERVICE_UNAVAILABLE
    }

    /** A browser page sends `Origin`, and the name of a foreign host if that name was bound to this address. */
    private static HttpResponseStatus refusalOf(HttpRequest request) {
        String host = request.headers().get(HttpHeaderNames.HOST)
        boolean local = host != null && (host == '127.0.0.1' || host.startsWith('127.0.0.1:'))
        if (!local || request.headers().contains(HttpHeaderNames.ORIGIN)) return HttpResponseStatus.FORBIDDEN
        String given = request.headers().get(HttpHeaderNames.AUTHORIZATION)
        byte[] bytes = given == null ? new byte[0] : given.getBytes(StandardCharsets.UTF_8)
        boolean known = authorization != null && MessageDigest.isEqual(authorization, bytes)
        return known ? null : HttpResponseStatus.UNAUTHORIZED
    }
}

/** The HTTP channel of Gremlin Server with the guard directly behind the codec. */
@CompileStatic
class GuardedHttpChannelizer extends HttpChannelizer {
    @Override
    void configure(ChannelPipeline pipeline) {
        super.configure(pipeline)
        pipeline.addAfter('http-server', 'request-guard', new RequestGuard())
    }
}
